"""Report the jobs of arq as tasks:

.. code-block:: python

    @headway.arq.connect
    class WorkerSettings:
        functions = [count]

    pool = await headway.arq.create_pool()

With the `create_pool` of this module the task is opened when the job is enqueued, and else when a worker takes it. The
task has the id of the job. `headway.current_job()` and `headway.track` report progress.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any, TypeVar
from uuid import uuid4

import arq
from arq.connections import ArqRedis
from arq.constants import job_key_prefix
from arq.cron import CronJob
from arq.worker import Function, Retry, RetryJob

from headway import log_capture
from headway.errors import TaskCancelledError
from headway.events import ErrorInfo
from headway.reporting.queue_job import QueueJob, logged
from headway.reporting.queue_run import Run, abegin

__all__ = ["Job", "connect", "create_pool"]

log_capture.leave_out("arq")

S = TypeVar("S", bound=type)
Context = dict[Any, Any]

_RUN = "headway_run"
"""Key of an interrupted run in the context of a job."""
_MAX_TRIES = 5
"""Tries of a job where the settings say nothing: arq's default."""


def connect(settings: S) -> S:
    """Report the jobs of the worker with these settings: a decorator for their class."""
    own = vars(settings)
    tries = own.get("max_tries", _MAX_TRIES) if own.get("retry_jobs", True) else 0
    functions = [_reported(arq.func(one), tries) for one in own.get("functions") or ()]
    cron_jobs = [_reported(one, tries) for one in own.get("cron_jobs") or ()]
    settings.functions, settings.cron_jobs = functions, cron_jobs  # type: ignore[attr-defined]
    settings.on_startup = partial(_startup, own.get("on_startup"))  # type: ignore[attr-defined]
    settings.after_job_end = partial(_after_job_end, own.get("after_job_end"))  # type: ignore[attr-defined]
    return settings


async def create_pool(*args: Any, **options: Any) -> ArqRedis:
    """`arq.create_pool`, whose pool reports the jobs that are enqueued with it."""
    return _connected(await arq.create_pool(*args, **options))


class Job(arq.jobs.Job):
    """A job whose task is cancelled with it while it waits."""

    __slots__ = ("function",)
    function: str

    async def abort(self, *, timeout: float | None = None, poll_delay: float = 0.5) -> bool:
        """Abort the job, as arq does, and its task."""
        aborted = await super().abort(timeout=timeout, poll_delay=poll_delay)
        if aborted:
            QueueJob(self.job_id, self.function).ended(cancelled="aborted")
        return aborted


def _connected(pool: ArqRedis) -> ArqRedis:
    if not isinstance(pool.enqueue_job, partial):
        pool.enqueue_job = partial(_enqueue_job, pool, pool.enqueue_job)  # type: ignore[method-assign]
    return pool


async def _enqueue_job(
    pool: ArqRedis, enqueue: Any, function: str, *args: Any, _job_id: str | None = None, **options: Any
) -> arq.jobs.Job | None:
    job_id = _job_id or uuid4().hex
    await QueueJob(job_id, function).asubmit()
    job = await enqueue(function, *args, _job_id=job_id, **options)
    if job is None:
        return None
    reported = Job(job_id, redis=pool, _queue_name=job._queue_name, _deserializer=job._deserializer)
    reported.function = function
    return reported


F = TypeVar("F", Function, CronJob)


def _reported(function: F, max_tries: int) -> F:
    tries = function.max_tries if function.max_tries is not None else max_tries
    return dataclasses.replace(function, coroutine=_runner(function.name, function.coroutine, min(tries, max_tries)))


def _runner(name: str, coroutine: Callable[..., Awaitable[Any]], max_tries: int) -> Any:
    @wraps(coroutine)
    async def run(ctx: Context, *args: Any, **kwargs: Any) -> Any:
        execution = _Execution(ctx, max_tries)
        run = execution.run = await abegin(QueueJob(ctx["job_id"], name), execution.cancel)
        if run.cancelled_before:
            raise TaskCancelledError("cancelled before it began")
        run.enter()
        try:
            result = await coroutine(ctx, *args, **kwargs)
        except BaseException as error:
            execution.failed(error)
            raise
        else:
            run.end(result=result)
            return result
        finally:
            execution.over()

    return run


class _Execution:
    """One try of a job, in its asyncio task."""

    run: Run

    def __init__(self, ctx: Context, max_tries: int) -> None:
        self._ctx = ctx
        self._last = ctx["job_try"] >= max_tries
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._interrupted = False

    def cancel(self, reason: str) -> None:
        """Cancel the coroutine."""
        self._loop.call_soon_threadsafe(self._interrupt)

    def _interrupt(self) -> None:
        if self._task is not None:
            self._interrupted = True
            self._task.cancel()

    def over(self) -> None:
        """The coroutine has ended."""
        self._task = None
        self.run.leave()

    def failed(self, error: BaseException) -> None:
        """The coroutine has raised. Raises TaskCancelledError in place of the CancelledError of `cancel`."""
        task = self._task
        if not isinstance(error, asyncio.CancelledError):
            self.run.end(error, will_retry=isinstance(error, Retry | RetryJob) and not self._last)
        elif self._interrupted and task is not None and task.uncancel() == 0:
            self.run.end(cancelled=self.run.reason or "")
            raise TaskCancelledError(self.run.reason or "cancelled") from None
        else:
            self._ctx[_RUN] = self


async def _startup(then: Any, ctx: Context) -> None:
    _connected(ctx["redis"])
    if then is not None:
        await then(ctx)


async def _after_job_end(then: Any, ctx: Context) -> None:
    if (execution := ctx.pop(_RUN, None)) is not None:
        with logged():
            await _interrupted(ctx, execution.run)
    if then is not None:
        await then(ctx)


async def _interrupted(ctx: Context, run: Run) -> None:
    """End a run that arq has cancelled, by what arq has stored: it runs again, was aborted, or took too long."""
    redis: ArqRedis = ctx["redis"]
    stored = await arq.jobs.Job(ctx["job_id"], redis, _deserializer=redis.job_deserializer).result_info()
    if await redis.exists(job_key_prefix + ctx["job_id"]):
        run.end(handed_on="the worker was stopped")
    elif stored is None or isinstance(stored.result, asyncio.CancelledError):
        run.end(cancelled="aborted")
    elif isinstance(stored.result, BaseException):
        run.end(stored.result)
    else:
        run.end(ErrorInfo("Interrupted", "the job was aborted, or took too long"))
