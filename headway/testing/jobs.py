"""Jobs and events for tests of handlers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.children.children import Parent
from headway.children.waits import NoSlot
from headway.errors import LogError
from headway.eventlog.chain import Chain
from headway.events import ErrorInfo, Progress, Status
from headway.job import Job
from headway.lifecycle import JobLifecycle
from headway.opened_file import TaskFiles
from headway.ownership import UNKNOWN
from headway.testing.children import Work, child_stores
from headway.testing.log import MemoryLog
from headway.testing.stores import MemoryFiles


def progress(status: Status = "processing", percent: float = 0.0, **fields: Any) -> Progress:
    """A progress event with defaults for all fields that a test does not set."""
    return Progress(**({"status": status, "progress": percent, "message": "", "step": ""} | fields))


class StartedJob(Job):
    """A job under test, which its test ends, as the processor does for other handlers."""

    lifecycle: JobLifecycle

    async def finish(
        self, status: Status, *, message: str | None = None, data: Any = None, error: ErrorInfo | None = None
    ) -> None:
        """Store all that is pending, then the last event of the attempt. `data` is the result."""
        await self.lifecycle.finish(status, message=message, data=data, error=error)

    async def abort(self) -> None:
        """Store nothing more."""
        await self.lifecycle.abort()

    def stop(self, reason: LogError) -> None:
        """Tell the handler to end, as a cancel request does."""
        self.lifecycle.stop(reason)


def start_job(
    log: MemoryLog,
    task: str = "t1",
    *,
    attempt: int = 1,
    children: Mapping[str, Work] | None = None,
    files: MemoryFiles | None = None,
    **options: Any,
) -> StartedJob:
    """A running job on `log`, to hand to a handler under test. End it with ``await job.finish("completed")``.

    Args:
        children: by kind, the functions that stand for the handlers of its children: they take the parameters as JSON
            decodes them, and return the result or raise. They may be `async`. Without it the job cannot have children.
        files: those that it may open are the ones without an owner. Without it there are none.
        options: those of `headway.lifecycle.JobLifecycle`.
    """
    lifecycle = JobLifecycle(Chain(log, task, attempt=attempt), job_type=StartedJob, **options)
    if children is not None:
        lifecycle.adopt(child_stores(log, children), Parent(task), NoSlot())
    lifecycle.start()
    job = lifecycle.job
    assert isinstance(job, StartedJob)
    job.lifecycle = lifecycle
    if files is not None:
        job.allow_files(TaskFiles(files, UNKNOWN))
    return job
