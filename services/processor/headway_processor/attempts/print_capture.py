"""What handlers print, as log lines of their tasks too, for kinds that ask for it. It is still printed."""

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
"""An unfinished line is passed on in pieces of this length."""


class PrintedLines:
    """The lines that one handler prints. Threads of the handler do not mix within a line."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._lock = threading.Lock()
        self._unfinished: dict[int, str] = {}

    def write(self, text: str) -> None:
        """Some text, of which each line end completes a line."""
        thread = threading.get_ident()
        with self._lock:
            *lines, rest = (self._unfinished.get(thread, "") + text).split("\n")
            if len(rest) > MAX_LINE_CHARS:
                lines.append(rest[:MAX_LINE_CHARS])
                rest = rest[MAX_LINE_CHARS:][-MAX_LINE_CHARS:]
            self._unfinished[thread] = rest
        for line in lines:
            self._say(line)

    def flush(self) -> None:
        """Pass on what no line end has completed."""
        with self._lock:
            rests, self._unfinished = self._unfinished, {}
        for rest in rests.values():
            self._say(rest)

    def _say(self, line: str) -> None:
        shown = line.rstrip("\r").rpartition("\r")[2]  # what a bar overwrites is not seen
        if shown.strip():
            self._job.log(shown, logger=LOGGER)


printed: ContextVar[PrintedLines | None] = ContextVar("headway_printed", default=None)
"""Where the handler that runs in this context prints to, if that is wanted."""


def flush_printed() -> None:
    """Pass on the unfinished lines of the handler that runs in this context."""
    if (lines := printed.get()) is not None:
        lines.flush()


class _Stdout:
    """The standard output, and the lines of the task in whose context something is written."""

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
    """Inside, what a handler prints in a context with `printed` becomes log lines of its task."""
    if not wanted or isinstance(sys.stdout, _Stdout):
        yield
        return
    real = sys.stdout
    sys.stdout = cast("TextIO", _Stdout(real))
    try:
        yield
    finally:
        sys.stdout = real
