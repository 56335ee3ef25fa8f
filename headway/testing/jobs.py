"""Jobs and events for tests of handlers."""

from __future__ import annotations

from typing import Any

from headway.eventlog.chain import Chain
from headway.events import Progress, Status
from headway.job import Job
from headway.testing.log import MemoryLog


def progress(status: Status = "processing", percent: float = 0.0, **fields: Any) -> Progress:
    """A progress event with everything filled in that a test does not care about."""
    return Progress(**({"status": status, "progress": percent, "message": "", "step": ""} | fields))


def start_job(log: MemoryLog, task: str = "t1", *, attempt: int = 1, **options: Any) -> Job:
    """A running job on `log`, to hand to a handler under test. End it with ``await job.finish("completed")``."""
    job = Job(Chain(log, task, attempt=attempt), **options)
    job.start()
    return job
