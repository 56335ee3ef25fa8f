"""Log records as log lines of tasks: `headway.logging.connect()`. In handlers of a processor they are already."""

from __future__ import annotations

import logging
from contextlib import ExitStack

from headway import log_capture

__all__ = ["TaskHandler", "connect"]


def connect(level: str = "INFO", *, tracebacks: bool = True) -> ExitStack:
    """Make a log line of each record of any logger that is written within a task, as in a block of `headway.report`.

    Where the process logs does not change: handlers stay as they are, and the levels and filters of the loggers apply.
    Records of Headway itself are left out.

    Args:
        level: of the records, at least.
        tracebacks: whether an exception is shown with its traceback: files, lines and functions, without values.

    Returns what undoes it, by ``close()`` or as a context manager. Raises ValueError for a level that is none.
    """
    return log_capture.captured_logging(level, tracebacks=tracebacks)


class TaskHandler(logging.Handler):
    """The same for the records of one logger, where handlers are configured: as in ``logging.config.dictConfig``.

    A record that `connect` or a processor copies is not copied by a handler as well. Formatters are not used: the line
    has the message, the level, the name of the logger and the exception.

    Args:
        level: of the records, at least.
        tracebacks: as of `connect`.
    """

    def __init__(self, level: int | str = logging.NOTSET, *, tracebacks: bool = True) -> None:
        super().__init__(level)
        self.tracebacks = tracebacks

    def emit(self, record: logging.LogRecord) -> None:
        """Add a log line to the task of this context, if there is one."""
        if not log_capture.captured.get():
            log_capture.copy(record, tracebacks=self.tracebacks)
