"""Progress as tasks of other queues store it, in the terms of a job. No I/O.

Queues leave the keys of such a mapping to the task: Celery's `meta`, RQ's `job.meta`, those of Taskiq and SAQ. These
are the ones of their documentation, of celery-progress, and the usual names beside them; others stay with the queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from headway.job import Job
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


class ForeignProgress:
    """The progress that one run of a task stores, reported with its job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._step = ""

    def show(self, meta: object) -> None:
        """Report what a `meta` says. A step begins when its name changes."""
        reading = read(meta)
        if reading.step and reading.step != self._step:
            self._step = reading.step
            self._job.step(reading.step, total=reading.total, unit=reading.unit)
        if any(value is not None for value in reading[:-1]):
            self._job.update(
                reading.percent, reading.message, done=reading.done, total=reading.total, unit=reading.unit
            )


def read(meta: object) -> Reading:
    """The reading of a `meta` of any type. A text is the message; a mapping within it, ``progress``, stands for it.

    >>> read({"current": 3, "total": 10, "status": "third page"})
    Reading(done=3.0, total=10.0, percent=None, message='third page', unit=None, step='')
    """
    if isinstance(meta, str):
        return Reading(message=meta or None)
    if not isinstance(meta, Mapping):
        return Reading()
    if isinstance(meta.get("progress"), Mapping):
        return read(meta["progress"])
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
