"""Report the jobs of SAQ as tasks:

.. code-block:: python

    queue = headway.saq.connect(Queue.from_url("redis://localhost"))
    settings = {"queue": queue, "functions": [count], **headway.saq.hooks}

Whoever enqueues connects its queue, and so the task is opened then; else when a worker with the hooks takes the job.
The task has the job's key as its id. `Job.update` reports progress, and `headway.current_job()` and `headway.track` are
those of its task.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, TypeVar

from saq.job import Job, Status
from saq.queue import Queue

from headway import log_capture
from headway.events import ErrorInfo
from headway.reporting.queue_job import QueueJob, logged
from headway.reporting.queue_run import Run, abegin

__all__ = ["after_process", "before_process", "connect", "hooks"]

log_capture.leave_out("saq")

Q = TypeVar("Q", bound=Queue)

_CRON = "cron:"
"""Beginning of the keys of cron jobs."""
_RUN = "headway_run"
"""Key of the run in the context of a job."""
_running: set[str] = set()
"""Keys of the jobs that run in this process."""


def connect(queue: Q) -> Q:
    """Report the jobs that are enqueued in `queue`, and those that end in it without a worker. Return it."""
    queue.register_before_enqueue(_enqueued)
    queue.finish = partial(_finish, queue, queue.finish)  # type: ignore[method-assign]
    return queue


async def before_process(ctx: Any) -> None:
    """Begin an attempt: a hook of the worker. A job whose task was cancelled while it waited is aborted."""
    job: Job = ctx["job"]
    run = await abegin(_described(job), partial(_cancel, asyncio.get_running_loop(), job))
    if run.cancelled_before:
        await job.finish(Status.ABORTED, error="cancelled")
        raise asyncio.CancelledError  # the worker leaves out a job that was cancelled before its function began
    ctx[_RUN] = run
    _running.add(job.key)
    run.enter()
    job.update = partial(_update, run, job.update)  # type: ignore[method-assign]


async def after_process(ctx: Any) -> None:
    """End the attempt: a hook of the worker."""
    run, job = ctx.pop(_RUN, None), ctx["job"]
    if run is None:
        return
    run.leave()
    _running.discard(job.key)
    if job.status == Status.COMPLETE:
        run.end(result=job.result)
    elif job.status == Status.ABORTED:
        run.end(cancelled=run.reason if run.reason is not None else job.error or "")
    elif (error := ctx.get("exception")) is None and job.status == Status.QUEUED:
        run.end(handed_on=job.error or "the worker was stopped")
    else:
        run.end(error or ErrorInfo("Failed", job.error or ""), will_retry=job.status == Status.QUEUED)


hooks: dict[str, Any] = {"before_process": before_process, "after_process": after_process}
"""The hooks for the settings of a worker. One that has hooks of its own has lists of them."""


async def _enqueued(job: Job) -> None:
    if job.attempts == 0 and not job.key.startswith(_CRON):  # a cron job is enqueued again and again
        await _described(job).asubmit()


async def _finish(queue: Queue, finish: Any, job: Job, status: Status, **how: Any) -> None:
    await finish(job, status, **how)
    if status != Status.ABORTED or job.key in _running:
        return
    if job.error == queue.swept_error_message:
        _described(job).ended(ErrorInfo("Lost", "the worker took too long or has vanished: SAQ has swept the job"))
    else:
        _described(job).ended(cancelled=job.error or "")


async def _update(run: Run, update: Any, **changes: Any) -> None:
    await update(**changes)
    if isinstance(progress := changes.get("progress"), int | float):
        run.show({"percent": progress * 100})
    run.show(changes.get("meta"))


def _cancel(loop: asyncio.AbstractEventLoop, job: Job, reason: str) -> None:
    asyncio.run_coroutine_threadsafe(_aborted(job, reason), loop)


async def _aborted(job: Job, reason: str) -> None:
    job.retries = 0
    with logged():
        await job.abort(reason or "cancelled")


def _described(job: Job) -> QueueJob:
    meta = job.meta or {}
    return QueueJob(_id(job), job.function, str(meta.get("title") or ""), meta.get("tags") or ())


def _id(job: Job) -> str:
    """The key; that of a cron job is used again, and so its time is a part of the id."""
    return f"{job.key}:{job.scheduled}" if job.key.startswith(_CRON) else job.key
