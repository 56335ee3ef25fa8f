"""Reads the output of a child process in a thread of its own, so that a full pipe never blocks the child."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from headway.cli.local.line_splitter import LineSplitter

READ_BYTES = 64 * 1024


class OutputReader:
    """A pipe and the thread that reads it. `on_line` is called in that thread; its exceptions are ignored."""

    def __init__(self, on_line: Callable[[str], None], name: str) -> None:
        self._on_line = on_line
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._read_end = -1

    @contextmanager
    def write_end(self) -> Iterator[int]:
        """Start reading and yield the write end for the child. On exit the parent's copy is closed."""
        self._read_end, write_end = os.pipe()
        try:
            self._thread.start()
            yield write_end
        finally:
            os.close(write_end)

    def join(self, timeout_seconds: float) -> None:
        """Wait for the end of the output. After the timeout the thread continues to read."""
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        splitter = LineSplitter()
        with os.fdopen(self._read_end, "rb", buffering=0) as pipe:
            while data := pipe.read(READ_BYTES):
                self._call(splitter.feed(data))
        self._call(splitter.flush())

    def _call(self, lines: list[str]) -> None:
        for line in lines:
            with suppress(Exception):  # an exception must not stop the reading
                self._on_line(line)
