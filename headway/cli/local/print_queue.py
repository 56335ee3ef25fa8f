"""Prints in a thread of its own, so that a slow or closed terminal neither blocks nor breaks the caller."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from typing import NamedTuple

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

MAX_CHARS = 1_000_000
"""Bound of the queued text; lines beyond it are dropped and counted."""


class QueuedLine(NamedTuple):
    """A text and its prefix."""

    prefix: Text | None
    text: Text

    def layout(self) -> RenderableType:
        """Return the text beside its prefix; wrapped lines are aligned with the text."""
        if self.prefix is None:
            return self.text
        table = Table.grid()
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(self.prefix, self.text)
        return table


class PrintQueue:
    """Prints lines in order. A line that cannot be printed is dropped; the following ones are still printed."""

    def __init__(self, out: Console, max_chars: int = MAX_CHARS) -> None:
        self._out = out
        self._max_chars = max_chars
        self._lines: deque[QueuedLine] = deque()
        self._chars = 0
        self._dropped = 0
        self._printing = False
        self._closed = False
        """Whether the reader of the output has closed it."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, text: Text, prefix: Text | None = None) -> None:
        """Queue `text` to be printed after `prefix`. Returns at once, from any thread."""
        line = QueuedLine(prefix, text)
        with self._changed:
            if self._chars + len(text) > self._max_chars and self._lines:
                self._dropped += 1
                return
            self._lines.append(line)
            self._chars += len(text)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="printing", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until all lines are printed. Return False on timeout."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while self._lines or self._printing:
                if not self._changed.wait(deadline - time.monotonic()):
                    return False
        return True

    def _run(self) -> None:
        while True:
            for line in self._take():
                self._print(line)
            with self._changed:
                self._printing = False
                self._changed.notify_all()

    def _take(self) -> list[QueuedLine]:
        with self._changed:
            while not self._lines:
                self._changed.wait()
            line = self._lines.popleft()
            self._chars -= len(line.text)
            self._printing = True
            if self._lines or not self._dropped:
                return [line]
            dropped, self._dropped = self._dropped, 0
        note = f"… {dropped:,} lines were dropped: they arrived faster than they could be printed"
        return [line, QueuedLine(None, Text(note, "dim"))]

    def _print(self, line: QueuedLine) -> None:
        if self._closed:
            return
        try:
            self._out.print(line.layout())
        except SystemExit:  # rich raises it for a closed pipe, after it has redirected stdout to the null device
            self._closed = True
        except Exception:  # noqa: BLE001 - such as a full disk: the next line may succeed
            with suppress(Exception):  # discard the text that rich would otherwise keep in its buffer
                self._out.begin_capture()
                self._out.end_capture()
