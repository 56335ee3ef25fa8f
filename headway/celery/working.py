"""Tasks of Celery are reported while a worker runs them, and end when Celery has stored their end."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import celery
from celery import states
from celery.exceptions import Ignore

import headway.logging
from headway.celery.naming import short
from headway.celery.options import Options
from headway.celery.running import Run, Runs, retry_message
from headway.celery.sheet import HEADER, Sheet
from headway.errors import CancelRequestedError, LogError, TaskCancelledError
from headway.events import ErrorInfo, Status
from headway.failure import describe
from headway.reporting.adapter import adapter
from headway.reporting.foreign_ids import task_id as id_of
from headway.reporting.process import flush

WRAPPED = "__headway__"
"""Mark of a function that is wrapped already."""


class Working:
    """Receives Celery's signals in workers: in the processes of the pool, and in the main one.

    Args:
        app: whose tasks are reported.
        options: of `connect`.
        runs: the tasks that run in this process.
    """

    def __init__(self, app: celery.Celery[Any], options: Options, runs: Runs) -> None:
        self._app = app
        self._options = options
        self._runs = runs
        self._log: ExitStack | None = None

    def close(self) -> None:
        """Log records are no longer copied."""
        if self._log is not None:
            self._log.close()
            self._log = None

    # The worker

    def prepare(self, **_: object) -> None:
        """Wrap the functions of all tasks, before Celery builds what runs them."""
        for task in list(self._app.tasks.values()):
            if self._options.reports(task.name):
                self._wrap(task)

    def worker_begins(self, **_: object) -> None:
        """A worker begins, in its main process."""
        self.prepare()
        self._capture_log()

    def process_begins(self, **_: object) -> None:
        """A process of the pool begins."""
        self._runs.clear()
        self._capture_log()

    def process_ends(self, **_: object) -> None:
        """A process of the pool ends, without exit handlers."""
        flush()

    # A task, in the process that runs it

    def begins(self, sender: Any, task_id: str, **_: object) -> None:
        """Begin an attempt."""
        request = sender.request
        if not self._reports(sender) or request.is_eager:
            return
        sheet = Sheet.of(request.get(HEADER))
        attempt = adapter().attempt(
            id_of(task_id),
            kind=short(sender.name),
            title=sheet.title,
            parent=sheet.parent or "",
            owner=sheet.owner,
            tenant=sheet.tenant,
            on_stop=self._terminator(task_id),
        )
        self._runs.add(Run(task_id, attempt, sheet))
        attempt.activate()

    def succeeds(self, sender: Any, result: object = None, **_: object) -> None:
        """Celery has stored the result."""
        if run := self._runs.get(sender.request.id):
            run.ended = True
            run.attempt.completed(result)

    def fails(self, sender: Any, task_id: str, exception: BaseException, **_: object) -> None:
        """An attempt has failed in this process; or another one does not run it any more."""
        if run := self._runs.get(task_id):
            run.ended = True
            run.attempt.failed(exception)
        elif self._reports(sender) and not sender.request.is_eager:
            error = describe(exception)
            self._ends(sender, task_id, "error", error.message, error)

    def is_retried(self, sender: Any, request: Any, reason: Any = None, **_: object) -> None:
        """The task is published again, or will be."""
        cause, when = getattr(reason, "exc", None), getattr(reason, "when", None)
        if run := self._runs.get(request.id):
            run.retried(cause, when)
        elif self._reports(sender) and not request.is_eager:
            self._ends(sender, request.id, "retrying", retry_message(cause, when), None)

    def is_over(self, sender: Any, task_id: str, state: str | None = None, retval: Any = None, **_: object) -> None:
        """Celery has done with the task."""
        if (run := self._runs.remove(task_id)) is None:
            return
        run.attempt.deactivate()
        if run.ended or state is None:  # without a state this process ends, and the main one knows why
            return
        if state == states.REJECTED:
            reason = str(getattr(retval, "reason", None) or "")
            if getattr(retval, "requeue", False):
                run.attempt.handed_on(f"rejected, and queued again: {reason}" if reason else "queued again")
            else:
                run.attempt.failed(ErrorInfo("Reject", reason or "rejected by the task"))
        else:
            run.ignored()

    # A task that does not run

    def is_revoked(
        self, sender: Any, request: Any, terminated: bool = False, expired: bool = False, **_: object
    ) -> None:
        """The task was revoked while it waited, or its process was terminated."""
        reason = "expired before it began" if expired else "terminated" if terminated else "revoked"
        if run := self._runs.get(request.id):
            run.ended = True
            run.attempt.cancelled(reason)
        elif self._reports(sender):
            self._ends(sender, request.id, "cancelled", f"cancelled: {reason}", None)

    def is_unknown(self, sender: Any, name: str = "", id: str = "", **_: object) -> None:
        """The worker has no task of that name, and discards the message."""
        if id and self._options.reports(name) and getattr(sender, "app", self._app) is self._app:
            message = f"no worker knows the task {name}"
            adapter().ended(
                id_of(id), kind=short(name), status="error", message=message, error=ErrorInfo("NotRegistered", message)
            )

    # Within

    def _capture_log(self) -> None:
        if self._log is None:  # a fork has that of its parent
            self._log = headway.logging.connect(self._options.log_level)

    def _reports(self, task: Any) -> bool:
        return task.app is self._app and self._options.reports(task.name)

    def _ends(self, task: Any, task_id: str, status: Status, message: str, error: ErrorInfo | None) -> None:
        adapter().ended(id_of(task_id), kind=short(task.name), status=status, message=message, error=error)

    def _terminator(self, task_id: str) -> Callable[[LogError], None] | None:
        if not self._options.terminate:
            return None

        def stop(reason: LogError) -> None:
            if isinstance(reason, CancelRequestedError):
                # In a thread of its own: the broker may take its time, and the reports must not wait for it.
                revoke = functools.partial(self._app.control.revoke, task_id, terminate=True)
                threading.Thread(target=revoke, name="headway revokes", daemon=True).start()

        return stop

    def _wrap(self, task: Any) -> None:
        run = task.run
        if getattr(run, WRAPPED, False):
            return

        @functools.wraps(run)
        def reported(*args: Any, **kwargs: Any) -> Any:
            current = self._runs.get(task.request.id)
            if current is None:
                return run(*args, **kwargs)
            _refuse_cancelled(task, current)
            try:
                return run(*args, **kwargs)
            except TaskCancelledError:
                if isinstance(stopped := current.attempt.job.stopped, CancelRequestedError):
                    current.ended = True
                    current.attempt.cancelled(stopped.reason)
                    _store_revoked(task, stopped.reason)
                    raise Ignore from None
                raise
            finally:
                current.returned = True
                current.attempt.deactivate()  # what Celery logs of the end is not of the task

        setattr(reported, WRAPPED, True)
        task.run = reported
        self._tap(task)

    def _tap(self, task: Any) -> None:
        store, retry = task.update_state, task.retry

        @functools.wraps(store)
        def update_state(
            task_id: str | None = None, state: str | None = None, meta: object = None, **kwargs: Any
        ) -> Any:
            if run := self._runs.get(task_id or task.request.id):
                run.update(state, meta)
            return store(task_id=task_id, state=state, meta=meta, **kwargs)

        @functools.wraps(retry)
        def retried(*args: Any, **kwargs: Any) -> Any:
            if run := self._runs.get(task.request.id):
                when = kwargs.get("eta") or kwargs.get("countdown", task.default_retry_delay)
                run.retry = kwargs.get("exc") or sys.exception(), when
            return retry(*args, **kwargs)

        task.update_state, task.retry = update_state, retried


def _refuse_cancelled(task: Any, run: Run) -> None:
    """Raise Ignore for a task that was cancelled while it waited."""
    run.attempt.begun.wait()
    if run.attempt.refusal == "cancelled":
        run.ended = True
        _store_revoked(task, "cancelled")
        raise Ignore


def _store_revoked(task: Any, reason: str) -> None:
    """As Celery does for what was revoked, for those who wait for its result or are the rest of its chord."""
    task.backend.mark_as_revoked(task.request.id, reason, request=task.request, store_result=not task.ignore_result)
