"""Copy what handlers print to log lines of their tasks, for kinds with `capture_print`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO, cast

from headway.job import Job

LOGGER = "stdout"
MAX_LINE_CHARS = 4000
"""An unfinished line is logged in pieces of this length."""


class PrintedLines:
    """The lines that one handler prints. Output of its threads is not mixed within a line."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._lock = threading.Lock()
        self._unfinished: dict[int, str] = {}

    def write(self, text: str) -> None:
        """Add printed text and log each line that it completes."""
        thread = threading.get_ident()
        with self._lock:
            *lines, rest = (self._unfinished.get(thread, "") + text).split("\n")
            if len(rest) > MAX_LINE_CHARS:
                lines.append(rest[:MAX_LINE_CHARS])
                rest = rest[MAX_LINE_CHARS:][-MAX_LINE_CHARS:]
            self._unfinished[thread] = rest
        for line in lines:
            self._log(line)

    def flush(self) -> None:
        """Log the unfinished lines."""
        with self._lock:
            rests, self._unfinished = self._unfinished, {}
        for rest in rests.values():
            self._log(rest)

    def _log(self, line: str) -> None:
        shown = line.rstrip("\r").rpartition("\r")[2]  # without what a progress bar has overwritten
        if shown.strip():
            self._job.log(shown, logger=LOGGER)


printed: ContextVar[PrintedLines | None] = ContextVar("headway_printed", default=None)
"""The printed lines of the handler that runs in this context, if they are captured."""


def flush_printed() -> None:
    """Log the unfinished lines of the handler that runs in this context."""
    if (lines := printed.get()) is not None:
        lines.flush()


class _Stdout:
    """Writes to the standard output, and to the printed lines of the handler in whose context it is called."""

    def __init__(self, real: TextIO) -> None:
        self._real = real

    def write(self, text: str) -> int:
        count = self._real.write(text)
        lines = printed.get()
        if lines is not None:
            lines.write(text)
        return count

    def writelines(self, texts: Any) -> None:
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@contextmanager
def captured_print(*, wanted: bool = True) -> Iterator[None]:
    """Replace `sys.stdout`, so that what is printed in a context with `printed` becomes log lines.

    Args:
        wanted: False to change nothing.
    """
    if not wanted or isinstance(sys.stdout, _Stdout):
        yield
        return
    real = sys.stdout
    sys.stdout = cast("TextIO", _Stdout(real))
    try:
        yield
    finally:
        sys.stdout = real
