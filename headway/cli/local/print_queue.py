"""Printing in a thread of its own: whoever has something to print neither waits for the terminal nor fails with it."""

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
"""Text that waits to be printed; beyond it lines are dropped and counted."""


class Line(NamedTuple):
    """A text, and what stands in front of it."""

    lead: Text | None
    text: Text

    def layout(self) -> RenderableType:
        """The text wrapped behind `lead`, not below it."""
        if self.lead is None:
            return self.text
        table = Table.grid()
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(self.lead, self.text)
        return table


class PrintQueue:
    """Prints lines in order. A terminal that is closed, or cannot show a line, costs that line and nothing else."""

    def __init__(self, out: Console, max_chars: int = MAX_CHARS) -> None:
        self._out = out
        self._max_chars = max_chars
        self._lines: deque[Line] = deque()
        self._chars = 0
        self._dropped = 0
        self._printing = False
        self._closed = False
        """Whether whoever read the output has gone."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, text: Text, lead: Text | None = None) -> None:
        """Print `text` when its turn comes, behind `lead`. Returns at once, from any thread."""
        line = Line(lead, text)
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
        """Wait until all is printed. Returns False when the terminal did not take it in time."""
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

    def _take(self) -> list[Line]:
        with self._changed:
            while not self._lines:
                self._changed.wait()
            line = self._lines.popleft()
            self._chars -= len(line.text)
            self._printing = True
            if self._lines or not self._dropped:
                return [line]
            dropped, self._dropped = self._dropped, 0
        note = f"… {dropped:,} lines are not shown: they came faster than they could be printed"
        return [line, Line(None, Text(note, "dim"))]

    def _print(self, line: Line) -> None:
        if self._closed:
            return
        try:
            self._out.print(line.layout())
        except SystemExit:  # what rich makes of a closed pipe, after it has sent the rest of stdout nowhere
            self._closed = True
        except Exception:  # noqa: BLE001 - a full disk, a terminal that went: the next line may succeed
            with suppress(Exception):  # what it could not write it would keep
                self._out.begin_capture()
                self._out.end_capture()
