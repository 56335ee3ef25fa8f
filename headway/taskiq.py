"""Report the tasks of Taskiq:

.. code-block:: python

    broker = ListQueueBroker("redis://localhost").with_middlewares(headway.taskiq.Headway())

The ids are the same. A task is opened when it is sent, by processes whose broker has the middleware, and else when a
worker takes it. `ProgressTracker` reports progress, and `headway.current_job()` and `headway.track` work in tasks.
"""

from __future__ import annotations

import asyncio
import inspect
from contextvars import ContextVar
from functools import partial
from typing import Any, NoReturn

from taskiq import TaskiqMessage, TaskiqMiddleware, TaskiqResult
from taskiq.abc.broker import AsyncBroker
from taskiq.depends.progress_tracker import TaskProgress, TaskState
from taskiq.exceptions import NoResultError

from headway import log_capture
from headway.errors import TaskCancelledError
from headway.reporting.queue_job import QueueJob, logged
from headway.reporting.queue_run import Run, abegin

__all__ = ["Headway"]

log_capture.leave_out("taskiq")

_REQUEUED = "X-Taskiq-requeue"
"""Label that counts how often a task has sent itself again."""
_RETRIES = "retry_on_error"
"""Label that says whether a task is retried."""

_executing: ContextVar[_Execution | None] = ContextVar("headway_taskiq", default=None)
"""What runs in this context, also after it has returned: what is sent then, as by a pipeline, is a part of it."""


class Headway(TaskiqMiddleware):
    """Reports all tasks of a broker. Add it after the middleware that retries.

    The label ``title`` is what people see instead of the task's name, and ``tags`` are words, with commas between them.
    """

    async def pre_send(self, message: TaskiqMessage) -> TaskiqMessage:
        """Open a task that is sent; within another one, as a part of it."""
        execution = _executing.get()
        if execution is not None and execution.message.task_id == message.task_id:
            execution.retry()
        else:
            await _job(message, execution.run.task if execution is not None else "").asubmit()
        return message

    async def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        """Begin an attempt. A task that was cancelled while it waited fails before its function is called."""
        _show_progress(self.broker)
        function = getattr(self.broker.find_task(message.task_name), "original_func", None)
        execution = _Execution(message, interruptible=inspect.iscoroutinefunction(function))
        execution.run = run = await abegin(_job(message), execution.cancel)
        _executing.set(execution)
        if run.cancelled_before:
            message.kwargs = _Refused()
            message.labels[_RETRIES] = False
        else:
            run.enter()
        return message

    async def on_error(self, message: TaskiqMessage, result: TaskiqResult[Any], exception: BaseException) -> None:
        """Keep the error, and let nothing retry a task that was cancelled."""
        if (execution := _executing.get()) is not None:
            execution.failed(exception, result)

    async def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        """End the attempt."""
        if (execution := _executing.get()) is not None:
            execution.end(result)


class _Execution:
    """One execution of a task, on the event loop of the worker."""

    run: Run

    def __init__(self, message: TaskiqMessage, *, interruptible: bool) -> None:
        self.message = message
        self._requeued = message.labels.get(_REQUEUED)
        self._task = asyncio.current_task() if interruptible else None
        self._loop = asyncio.get_running_loop()
        self._interrupted = False
        self._sent_again = False
        self._error: BaseException | None = None

    def cancel(self, reason: str) -> None:
        """Interrupt a coroutine. In a thread nothing can: `headway.track` and `raise_if_cancelled` end it."""
        self._loop.call_soon_threadsafe(self._interrupt)

    def _interrupt(self) -> None:
        if self._task is not None:
            self._interrupted = True
            self._task.cancel()

    def failed(self, error: BaseException, result: TaskiqResult[Any]) -> None:
        """The function has raised."""
        task, self._task = self._task, None
        self._error = error
        if self._interrupted and task is not None and isinstance(error, asyncio.CancelledError):
            task.uncancel()
            self._error = result.error = TaskCancelledError(self.run.reason or "cancelled")
        if self.run.reason is not None or self.run.cancelled_before:
            self.message.labels[_RETRIES] = False

    def retry(self) -> None:
        """The task is sent again, as the middleware that retries does."""
        self._sent_again = True
        if self._error is not None:
            self.run.end(self._error, will_retry=True)

    def end(self, result: TaskiqResult[Any]) -> None:
        """Report how the execution went."""
        self._task = None
        self.run.leave()
        if self._error is None:
            self.run.end(result=result.return_value)
        elif isinstance(self._error, NoResultError) and self.message.labels.get(_REQUEUED) == self._requeued:
            self.run.end()
        elif isinstance(self._error, NoResultError):
            self.run.end(handed_on="the task sent itself again")
        else:
            scheduled = isinstance(result.error, NoResultError)
            self.run.end(self._error, will_retry=scheduled or self._sent_again)


class _Refused(dict[str, Any]):
    """Arguments with which no function is called: for want of another way to refuse a task with its result stored."""

    def keys(self) -> NoReturn:
        raise TaskCancelledError("cancelled before it began")

    __iter__ = keys


def _show_progress(broker: AsyncBroker) -> None:
    """Report what tasks set with `ProgressTracker`, once for each result backend."""
    backend = broker.result_backend
    if not isinstance(backend.set_progress, partial):
        backend.set_progress = partial(_set_progress, backend.set_progress)  # type: ignore[method-assign]


async def _set_progress(store: Any, task_id: str, progress: TaskProgress[Any]) -> None:
    await store(task_id, progress)
    execution = _executing.get()
    if execution is None or execution.message.task_id != task_id or (job := execution.run.job) is None:
        return
    with logged():
        execution.run.show(progress.meta)
        state = progress.state
        job.set_state("" if isinstance(state, TaskState) or state in TaskState.__members__ else str(state))


def _job(message: TaskiqMessage, parent: str = "") -> QueueJob:
    title, tags = message.labels.get("title") or "", message.labels.get("tags") or ""
    return QueueJob(message.task_id, message.task_name, str(title), str(tags).split(","), parent)
