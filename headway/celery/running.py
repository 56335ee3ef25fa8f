"""The tasks of Celery that run in this process, and what their tasks say of themselves while they do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import celery
from celery import states

from headway.celery.sheet import Sheet
from headway.events import ErrorInfo
from headway.failure import describe
from headway.reporting.adapter import Attempt
from headway.reporting.foreign_progress import ForeignProgress, read

WITHOUT_WORD = frozenset((None, "", states.PENDING, states.RECEIVED, states.STARTED, states.RETRY))
"""States that Headway has a word for already."""
ENDS = frozenset((states.SUCCESS, states.FAILURE, states.REVOKED))


class Run:
    """One attempt at a task of Celery.

    Args:
        task: its id.
        attempt: what is reported.
        sheet: of its message.
    """

    def __init__(self, task: str, attempt: Attempt, sheet: Sheet) -> None:
        self.task = task
        self.attempt = attempt
        self.sheet = sheet
        self.returned = False
        """Whether the function has returned; Celery then publishes what comes after it."""
        self.handed_on = False
        """Whether the task is published again under its id: retried or replaced."""
        self.ended = False
        self.retry: tuple[object, object] = (None, None)
        """Why and when the task has last asked to be run again."""
        self._progress = ForeignProgress(attempt.job)
        self._left: tuple[str, object] | None = None

    def update(self, state: str | None, meta: object) -> None:
        """The task has called `update_state`."""
        if state in ENDS:
            self._left = (str(state), meta)  # it counts if the task raises Ignore
            return
        if state not in WITHOUT_WORD:
            self.attempt.job.set_state(str(state))
        self._progress.show(meta)

    def retried(self, cause: object, when: object) -> None:
        """The attempt is over, and another one follows."""
        if self.ended:
            return
        self.ended = True
        message = retry_message(cause, when)
        if isinstance(cause, BaseException):
            self.attempt.failed(cause, will_retry=True, message=message)
        else:
            self.attempt.handed_on(message)

    def ignored(self) -> None:
        """The task has raised Ignore: it ends as it has said before, and Celery stores nothing."""
        state, meta = self._left or ("", None)
        if state == states.SUCCESS:
            self.attempt.completed(meta)
        elif state == states.FAILURE:
            self.attempt.failed(_error(meta))
        elif self.handed_on and not state:
            self.attempt.handed_on("goes on in the task that replaces it")
        else:
            self.attempt.cancelled(read(meta).message or "ignored by the task")


def _error(meta: object) -> ErrorInfo:
    kind, message = "Failure", read(meta).message
    if isinstance(meta, Mapping):
        kind, message = str(meta.get("exc_type") or kind), str(meta.get("exc_message") or message or "")
    elif isinstance(meta, BaseException):
        kind, message = type(meta).__name__, str(meta)
    return ErrorInfo(kind[:200], (message or "the task has failed")[:4000])


def retry_message(cause: object, when: object) -> str:
    """What people see between two attempts. `when`: in how many seconds, or at what time, the next one is due.

    >>> retry_message(ValueError("no route"), 5), retry_message(None, None)
    ('no route; next attempt in 5 s', 'next attempt soon')
    """
    reason = describe(cause).message if isinstance(cause, BaseException) else str(cause or "")
    following = "next attempt soon"
    if isinstance(when, datetime):
        following = f"next attempt at {when:%Y-%m-%d %H:%M:%S %Z}".rstrip()
    elif isinstance(when, int | float) and when > 0:
        following = f"next attempt in {when:g} s"
    return f"{reason}; {following}" if reason else following


class Runs:
    """The runs of this process, by the ids of their tasks."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def add(self, run: Run) -> None:
        """A run begins."""
        self._runs[run.task] = run

    def get(self, task: object) -> Run | None:
        """The run of a task; None when it does not run here."""
        return self._runs.get(task) if isinstance(task, str) else None

    def remove(self, task: str) -> Run | None:
        """A run is over."""
        return self._runs.pop(task, None)

    def clear(self) -> None:
        """None of them runs here: this process is a fork."""
        self._runs.clear()

    def current(self, app: celery.Celery[Any]) -> Run | None:
        """The run whose function, or whose end, is at work in this thread."""
        if not self._runs:
            return None
        task = app.current_worker_task
        return None if task is None else self.get(task.request.id)
