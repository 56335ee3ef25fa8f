"""What `update_state(state=…, meta=…)` says, in the terms of a job. No I/O.

Celery leaves the keys of `meta` to the task. These are the ones of its documentation, of celery-progress, and the usual
names beside them; others stay with Celery.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from headway.values.coercion import number

DONE = ("current", "done", "processed", "completed", "n", "i")
TOTAL = ("total", "max", "out_of", "n_total", "of")
PERCENT = ("percent", "percentage", "progress", "pct")
MESSAGE = ("description", "message", "msg", "status", "detail", "info", "text")
STEP = ("step", "stage", "phase")
UNIT = ("unit", "units")


class Reading(NamedTuple):
    """What one `meta` says; None and "" for what it does not."""

    done: float | None = None
    total: float | None = None
    percent: float | None = None
    """0 to 100, where there is no count."""
    message: str | None = None
    unit: str | None = None
    step: str = ""


def read(meta: object) -> Reading:
    """The reading of a `meta` of any type. A text is the message.

    >>> read({"current": 3, "total": 10, "status": "third page"})
    Reading(done=3.0, total=10.0, percent=None, message='third page', unit=None, step='')
    """
    if isinstance(meta, str):
        return Reading(message=meta or None)
    if not isinstance(meta, Mapping):
        return Reading()
    done, total = _number(meta, DONE), _number(meta, TOTAL)
    percent = _number(meta, PERCENT)
    if done is None and total and percent is not None and "progress" in meta:
        done, percent = percent, None  # {"progress": 3, "total": 10} counts
    return Reading(
        done=done,
        total=total if total and total > 0 else None,
        percent=None if done is not None and total else percent,
        message=_text(meta, MESSAGE),
        unit=_text(meta, UNIT),
        step=_text(meta, STEP) or "",
    )


def _number(meta: Mapping[Any, Any], keys: tuple[str, ...]) -> float | None:
    for key in keys:
        value = meta.get(key)
        if value is not None and not isinstance(value, bool) and (found := number(value)) is not None:
            return found
    return None


def _text(meta: Mapping[Any, Any], keys: tuple[str, ...]) -> str | None:
    return next((value for key in keys if isinstance(value := meta.get(key), str) and value), None)
