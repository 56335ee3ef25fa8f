"""The output of a child process, read to its end in a thread of its own: a child never waits for its reader."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from headway.cli.local.line_splitter import LineSplitter

READ_BYTES = 64 * 1024


class Output:
    """A pipe and its reader. `on_line` gets each line in the reader's thread; what it raises is dropped."""

    def __init__(self, on_line: Callable[[str], None], name: str) -> None:
        self._on_line = on_line
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._read_end = -1

    @contextmanager
    def write_end(self) -> Iterator[int]:
        """The end for the child, closed here when the context is left. Reading begins, and ends with its last copy."""
        self._read_end, write_end = os.pipe()
        try:
            self._thread.start()
            yield write_end
        finally:
            os.close(write_end)

    def join(self, timeout_seconds: float) -> None:
        """Wait for the end of the output. The thread reads on when it does not come in time."""
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        splitter = LineSplitter()
        with os.fdopen(self._read_end, "rb", buffering=0) as pipe:
            while data := pipe.read(READ_BYTES):
                self._tell(splitter.feed(data))
        self._tell(splitter.flush())

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            with suppress(Exception):  # whatever becomes of a line, the next one is read
                self._on_line(line)
