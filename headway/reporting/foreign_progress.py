"""Progress as jobs of other task queues store it: a number, or a mapping with names in common use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from headway.job import Job

_DONE = ("current", "done", "completed", "processed")
_PERCENT = ("percent", "percentage", "progress")
_MESSAGE = ("description", "message", "status", "stage")


def show(job: Job, stored: object) -> None:
    """Report what a job stored as its progress. What is none of these is left out:

    * a number: percent, 0 to 100
    * a text: the message
    * a mapping: ``current`` (or ``done``, ``completed``, ``processed``) of ``total``, or else ``percent`` (or
      ``percentage``, ``progress``: a number or a mapping as here); ``description`` (or ``message``, ``status``,
      ``stage``) is the message
    """
    if isinstance(stored, Mapping):
        _show_mapping(job, stored)
    elif isinstance(stored, str):
        job.update(message=stored)
    elif _is_number(stored):
        job.update(stored)


def _show_mapping(job: Job, stored: Mapping[Any, Any]) -> None:
    done, total, percent = _first(stored, _DONE), stored.get("total"), _first(stored, _PERCENT)
    message = _first(stored, _MESSAGE)
    text = message if isinstance(message, str) else None
    if isinstance(percent, Mapping):
        show(job, percent)
    if _is_number(done):
        job.update(message=text, done=done, total=total if _is_number(total) else None)
    elif _is_number(percent):
        job.update(percent, text)
    elif text is not None:
        job.update(message=text)


def _first(stored: Mapping[Any, Any], names: tuple[str, ...]) -> Any:
    return next((stored[name] for name in names if stored.get(name) is not None), None)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
