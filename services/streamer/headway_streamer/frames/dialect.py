"""The words in which a route tells the state of a task. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from headway.events import Progress

Fields = dict[str, Any]


class Dialect(NamedTuple):
    """How the clients of a route read a stream. Frames are rendered once per event and dialect, for all watchers."""

    name: str
    translate: Callable[[Progress], Fields] | None = None
    """The fields of a progress that are other than in the log; None leaves every event as it was stored."""
    rotates: bool = True
    """Whether streams end for age: False where clients take every end for a failure."""


def _in_celery(event: Progress) -> Fields:
    """Celery's word for the state of a task. A processing task that has done nothing yet is STARTED."""
    if event.status == "processing" and not event.progress and not event.done and not event.step:
        return {"status": "STARTED"}
    return {"status": _CELERY[event.status]}


def _in_three_words(event: Progress) -> Fields:
    """The first seed's words. A cancelled task is an error that carries the reason, because its client closes on it."""
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

NATIVE = Dialect("native")
"""The events as they are stored."""
CELERY = Dialect("celery", _in_celery, rotates=False)
"""https://docs.celeryq.dev/en/stable/userguide/tasks.html#states"""
THREE_WORDS = Dialect("three_words", _in_three_words, rotates=False)
"""processing, completed and error: what the clients of `/api/v1/process/stream` know."""
