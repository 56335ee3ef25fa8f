"""The names by which a route calls the states of a task. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from headway.events import TERMINAL, Progress

Fields = dict[str, Any]


class Dialect(NamedTuple):
    """The form of progress events on a route. Frames are rendered once per event and dialect, for all watchers."""

    name: str
    translate: Callable[[Progress], Fields] | None = None
    """Returns the fields of a progress that differ from the log; None leaves every event as it is stored."""
    rotates: bool = True
    """Whether streams end at their lifetime: False where clients treat every end as a failure."""


def _in_celery(event: Progress) -> Fields:
    """Celery's name of the state. A processing task without progress is STARTED; a custom state keeps its word."""
    if event.state and event.state not in _FINAL:
        return {"status": event.state}
    if event.status == "processing" and not event.progress and not event.done and not event.step:
        return {"status": "STARTED"}
    return {"status": _CELERY[event.status]}


def _in_three_words(event: Progress) -> Fields:
    """Three states. A cancelled task is an error with the reason, because the clients close on `error`."""
    if event.status in ("queued", "retrying"):
        return {"status": "processing"}
    if event.status != "cancelled":
        return {}
    reason = event.message or "cancelled"
    return {"status": "error", "message": reason, "error": {"type": "Cancelled", "message": reason}}


_CELERY = {
    "queued": "PENDING",
    "processing": "PROGRESS",
    "retrying": "RETRY",
    "completed": "SUCCESS",
    "error": "FAILURE",
    "cancelled": "REVOKED",
}

_FINAL = frozenset(_CELERY[status] for status in TERMINAL)
"""A client takes these for the end of the task."""

NATIVE = Dialect("native")
"""The events as they are stored."""
CELERY = Dialect("celery", _in_celery, rotates=False)
"""https://docs.celeryq.dev/en/stable/userguide/tasks.html#states"""
THREE_WORDS = Dialect("three_words", _in_three_words, rotates=False)
"""processing, completed and error: what the clients of `/api/v1/process/stream` know."""
