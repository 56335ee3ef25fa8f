"""One run of a queue's job, as the worker that runs it reports it. Nothing here raises."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from headway import log_capture
from headway.errors import CancelRequestedError, LogError, TaskCancelledError
from headway.events import ErrorInfo
from headway.ids import nonce
from headway.reporting.adapter import Attempt, adapter
from headway.reporting.foreign_progress import ForeignProgress
from headway.reporting.queue_job import QueueJob, logged
from headway.reporting.reported_task import ReportedJob

OnCancel = Callable[[str], None]
"""Called with the reason, in the thread of the reports, when somebody cancels a task that runs."""

capturing: list[ExitStack] = []
"""What captures the log records of this process, if a job has begun here."""


def begin(job: QueueJob, on_cancel: OnCancel | None = None) -> Run:
    """A worker begins to run `job`. Wait, for a bounded time, until that is stored."""
    run = Run(job, on_cancel)
    with logged():
        run.open().begun.wait()
        if run.ended_before:
            run.open_again().begun.wait()
        run.refuse_cancelled()
    return run


async def abegin(job: QueueJob, on_cancel: OnCancel | None = None) -> Run:
    """As `begin`, without blocking the event loop."""
    run = Run(job, on_cancel)
    with logged():
        await run.open().begun.ready()
        if run.ended_before:
            await run.open_again().begun.ready()
        run.refuse_cancelled()
    return run


def capture_logging() -> None:
    """Make log records of jobs log lines of their tasks, from the first job of this process on."""
    if not capturing:
        settings = adapter().settings
        capturing.append(log_capture.captured_logging(settings.log_level, tracebacks=settings.tracebacks))


def flush() -> None:
    """Wait until what has ended is stored, before a process ends without exit handlers."""
    with logged():
        adapter().flush()


class Run:
    """Made by `begin`; `end` is its end.

    A job whose task has ended runs as a new task: one that was requeued after it had failed, one whose id is used
    again, or one that was delivered again after its worker was lost. That task's parent is the one that has ended.
    """

    def __init__(self, job: QueueJob, on_cancel: OnCancel | None) -> None:
        self._job = job
        self._on_cancel = on_cancel
        self._attempt: Attempt | None = None
        self._progress: ForeignProgress | None = None
        self._lock = threading.Lock()
        self._entered = False
        self._over = False
        self.cancelled_before = False
        """Whether the task was cancelled before the work began: the job is not to be run."""
        self.reason: str | None = None
        """Why somebody has cancelled the task, if so."""

    def open(self) -> Attempt:
        """The attempt at the job's own task."""
        capture_logging()
        self._attempt = adapter().attempt(self._job.task, **self._job.described(), on_stop=self._on_stop)
        return self._attempt

    def open_again(self) -> Attempt:
        """The first attempt at a new task."""
        task = f"{self._job.task[:51]}-{nonce()}"
        described = self._job._replace(parent=self._job.task).described()
        self._attempt = adapter().attempt(task, **described, on_stop=self._on_stop)
        return self._attempt

    @property
    def ended_before(self) -> bool:
        """Whether the task had ended before this run, other than by being cancelled."""
        return self._attempt is not None and self._attempt.refusal == "ended"

    def refuse_cancelled(self) -> None:
        """End the run of a task that was cancelled while it waited."""
        if self._attempt is not None and (self._attempt.refusal == "cancelled" or self.reason is not None):
            self.cancelled_before = True
            self.end(cancelled=self.reason or "")

    @property
    def job(self) -> ReportedJob | None:
        """What the work reports with."""
        return None if self._attempt is None else self._attempt.job

    def show(self, meta: object) -> None:
        """Report what the job has stored as its progress."""
        with logged():
            if self._attempt is not None:
                self._progress = self._progress or ForeignProgress(self._attempt.job)
                self._progress.show(meta)

    @property
    def task(self) -> str:
        """Id of the task."""
        return self._attempt.job.task if self._attempt else ""

    def enter(self) -> None:
        """The work begins: make `job` that of this context. From now on `on_cancel` may be called."""
        with logged():
            if self._attempt:
                self._attempt.activate()
            with self._lock:
                self._entered = True
                reason = self.reason
            self._cancel(reason)

    def leave(self) -> None:
        """End what `enter` began, in the same context."""
        with logged():
            if self._attempt:
                self._attempt.deactivate()

    def end(
        self,
        error: BaseException | ErrorInfo | None = None,
        *,
        result: Any = None,
        will_retry: bool = False,
        cancelled: str | None = None,
        handed_on: str | None = None,
    ) -> None:
        """The run has ended. Only the first call counts.

        Args:
            error: why it failed; one that is raised after somebody has cancelled the task ends it as cancelled.
            will_retry: whether the queue runs the job again.
            cancelled: why the queue itself has cancelled it.
            handed_on: why the queue runs the job again, although it has not failed.
        """
        if self._attempt is None or self._over:
            return
        self._over = True
        with logged():
            if cancelled is not None:
                self._attempt.cancelled(cancelled)
            elif handed_on is not None:
                self._attempt.handed_on(handed_on)
            elif error is None:
                self._attempt.completed(result)
            elif self.reason is not None and isinstance(error, TaskCancelledError | asyncio.CancelledError):
                self._attempt.cancelled(self.reason)
            else:
                self._attempt.failed(error, will_retry=will_retry)

    def _on_stop(self, reason: LogError) -> None:
        if isinstance(reason, CancelRequestedError):
            with self._lock:
                self.reason = reason.reason
                entered = self._entered
            self._cancel(reason.reason if entered else None)

    def _cancel(self, reason: str | None) -> None:
        if reason is not None and self._on_cancel is not None and not self._over:
            with logged():
                self._on_cancel(reason)
