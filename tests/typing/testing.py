"""`headway.testing`, as a user's unit test of a handler."""

from __future__ import annotations

from typing import assert_type

from headway import Job, task
from headway.events import Event, Progress
from headway.kind import Registry
from headway.testing import MemoryLog, StartedJob, progress, start_job


@task(registry=Registry())
async def count(job: Job) -> int:
    return sum(1 for _ in job.track(range(3)))


async def test_it_counts() -> None:
    log = MemoryLog(max_per_task=100)
    log.away = log.full = log.mute = False
    log.limit_bytes = None
    job = start_job(log, "t1", attempt=2, children={"resize": lambda params: params})
    assert_type(job, StartedJob)
    assert_type(await count(job), int)
    await job.finish("completed", message="done", data={"rows": 3})
    assert_type(log.events("t1"), list[Event])
    assert_type(log.subscribers("t1"), int)
    assert_type(progress("retrying", 20, message="m"), Progress)


async def errors(log: MemoryLog, job: StartedJob) -> None:
    start_job("t1")  # type: ignore[arg-type]
    start_job(log, children={"resize": 1})  # type: ignore[dict-item]
    start_job(log, "t1", 2)  # type: ignore[call-arg]
    progress("done")  # type: ignore[arg-type]
    log.away = "yes"  # type: ignore[assignment]
    await job.finish("finished")  # type: ignore[arg-type]
