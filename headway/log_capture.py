"""Turn what is written to `logging` into log lines of tasks. Where the process logs does not change.

A record is copied where its logger passes it to the handlers, after the logger's level and filters. So loggers that do
not propagate are included, and the handlers of an application do not matter: an additional handler on the root logger
would keep `logging.basicConfig` from adding one, and `logging.config.dictConfig` would remove it.

This is the only place that replaces a method of the standard library; the level OFF leaves it unchanged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import ContextVar
from typing import NamedTuple

from headway.backtrace import backtrace
from headway.events import Level
from headway.failure import describe
from headway.job import current

_NOTHING = 1000
_own = {"headway", "headway_processor", "headway_streamer"}
"""Packages whose records are none of the tasks that they run."""


class Wanted(NamedTuple):
    """Which records are copied, and how."""

    level: int
    tracebacks: bool = False
    """Whether the traceback of an exception is added: files, lines and functions, without values."""


_real: list[Callable[[logging.Logger, logging.LogRecord], None]] = []
_wanted: list[Wanted] = []
_busy: ContextVar[bool] = ContextVar("headway_log_capture_busy", default=False)
"""Whether a record is being formatted."""
captured: ContextVar[bool] = ContextVar("headway_log_captured", default=False)
"""Whether the record that is passed to the handlers is copied in any case."""

kind_level: ContextVar[int | None] = ContextVar("headway_kind_level", default=None)
"""The lowest level for the kind whose handler runs in this context; None for that of the process."""


def number_of(level: str) -> int:
    """Return the number of a level; for OFF one above all levels. Raises ValueError for a level that is none."""
    levels = {"OFF": _NOTHING, **logging.getLevelNamesMapping()}
    if (number := levels.get(level.upper())) is None:
        raise ValueError(f"{level!r} is not a level; there are {', '.join(levels)}")
    return number


def leave_out(package: str) -> None:
    """Copy no records of `package`, which runs tasks: they are about tasks, and not from them."""
    _own.add(package)


def captured_logging(level: str, *, tracebacks: bool = False) -> ExitStack:
    """Turn records of at least `level` that are logged in the context of a task into log lines of it.

    Returns what undoes it, by ``close()`` or as a context manager. Raises ValueError for a level that is none.
    """
    undo = ExitStack()
    wanted = Wanted(number_of(level), tracebacks)
    if wanted.level < _NOTHING:
        _wanted.append(wanted)
        if not _real:  # several captures in one process copy a record once
            _real.append(logging.Logger.callHandlers)
            logging.Logger.callHandlers = _call_handlers  # type: ignore[method-assign]
        undo.callback(_undo, wanted)
    return undo


def _undo(wanted: Wanted) -> None:
    _wanted.remove(wanted)
    # If other code has replaced it since, this function stays in its chain and copies nothing.
    if not _wanted and logging.Logger.callHandlers is _call_handlers:
        logging.Logger.callHandlers = _real.pop()  # type: ignore[method-assign,assignment]


def copy(record: logging.LogRecord, *, tracebacks: bool) -> None:
    """Make `record` a log line of the task of this context, if there is one."""
    job = current.get()
    if job is None or _busy.get() or record.name.partition(".")[0] in _own:
        return
    token = _busy.set(True)  # formatting a record may run code that logs
    try:
        job.log(_text(record, tracebacks), _level(record.levelno), logger=record.name)
    finally:
        _busy.reset(token)


def _call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
    tracebacks = [] if current.get() is None else _tracebacks(record.levelno)
    token = captured.set(bool(tracebacks))
    try:
        _real[0](self, record)
    finally:
        captured.reset(token)
    if tracebacks:
        copy(record, tracebacks=any(tracebacks))


def _tracebacks(level: int) -> list[bool]:
    """Whether each capture that wants a record of this level wants its traceback; empty if none does."""
    least = kind_level.get()
    return [wanted.tracebacks for wanted in _wanted if level >= (wanted.level if least is None else least)]


def _text(record: logging.LogRecord, tracebacks: bool) -> str:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit, or whatever their own code raises
        text = str(record.msg)
    if record.exc_info and (error := record.exc_info[1]) is not None:
        info = describe(error)
        text = f"{text}: {info.type}: {info.message}"
        if tracebacks:
            text = f"{text}\n{backtrace(error)}"
    return text


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"
