"""Turn what handlers write to `logging` into log lines of their tasks. Where the process logs does not change.

A record is copied where its logger passes it to the handlers, after the logger's level and filters. So loggers that do
not propagate are included, and the handlers of an application do not matter: an additional handler on the root logger
would keep `logging.basicConfig` from adding one, and `logging.config.dictConfig` would remove it.

This is the only place that replaces a method of the standard library; `task_log_level=OFF` leaves it unchanged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from headway.events import Level
from headway.failure import describe
from headway.job import Job, current

_NOTHING = 1000
_OWN = frozenset(("headway", "headway_processor", "headway_streamer"))
_real: list[Callable[[logging.Logger, logging.LogRecord], None]] = []
_levels: list[int] = []
_busy: ContextVar[bool] = ContextVar("headway_log_capture_busy", default=False)


kind_level: ContextVar[int | None] = ContextVar("headway_kind_level", default=None)
"""The lowest level for the kind whose handler runs in this context; None for that of the processor."""


def number_of(level: str) -> int:
    """Return the number of a level; for OFF one above all levels."""
    return _NOTHING if level.upper() == "OFF" else logging.getLevelNamesMapping()[level.upper()]


@contextmanager
def captured_logging(level: str) -> Iterator[None]:
    """Turn records of at least `level` that are logged in the context of a handler into log lines of its task."""
    if level.upper() == "OFF":
        yield
        return
    least = number_of(level)
    _levels.append(least)
    if not _real:  # several processors in one process copy a record once
        _real.append(logging.Logger.callHandlers)
        logging.Logger.callHandlers = _call_handlers  # type: ignore[method-assign]
    try:
        yield
    finally:
        _levels.remove(least)
        # If other code has replaced it since, this function stays in its chain and copies nothing.
        if not _levels and logging.Logger.callHandlers is _call_handlers:
            logging.Logger.callHandlers = _real.pop()  # type: ignore[method-assign,assignment]


def _call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
    _real[0](self, record)
    job = current.get()
    if job is None or not _levels:
        return
    least = kind_level.get()
    if record.levelno >= (min(_levels) if least is None else least):
        _copy(record, job)


def _copy(record: logging.LogRecord, job: Job) -> None:
    if _busy.get() or record.name.partition(".")[0] in _OWN:
        return
    token = _busy.set(True)  # formatting a record may run code that logs
    try:
        job.log(_text(record), _level(record.levelno), logger=record.name)
    finally:
        _busy.reset(token)


def _text(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit, or whatever their own code raises
        text = str(record.msg)
    if record.exc_info and record.exc_info[1] is not None:
        error = describe(record.exc_info[1])
        text = f"{text}: {error.type}: {error.message}"
    return text


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"
