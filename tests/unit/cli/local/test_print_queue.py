"""Printing to a terminal that is slow, closed or full."""

from __future__ import annotations

import io
import threading

from rich.console import Console
from rich.text import Text

from headway.cli.local.print_queue import PrintQueue


class SlowFile(io.StringIO):
    """Blocks writes until `open` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.open = threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        self.open.wait()
        return super().write(text)


class BrokenFile(io.StringIO):
    """Raises `error` until it is removed."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error

    def write(self, text: str) -> int:
        if self.error is not None:
            raise self.error
        return super().write(text)


def test_lines_are_printed_in_order() -> None:
    """All of them, before `flush` returns."""
    file = io.StringIO()
    queue = PrintQueue(Console(file=file, width=80))
    for n in range(100):
        queue.put(Text(f"line {n}"))
    assert queue.flush(20)
    assert file.getvalue().splitlines() == [f"line {n}" for n in range(100)]


def test_queue_of_a_blocked_terminal_is_bounded_and_counts_dropped_lines() -> None:
    """`put` never waits; `flush` times out."""
    file = SlowFile()
    queue = PrintQueue(Console(file=file, width=80), max_chars=100)
    queue.put(Text("first"))
    assert file.entered.wait(20)
    for n in range(1000):
        queue.put(Text(f"line {n:04}."))
    assert not queue.flush(0.01)
    file.open.set()
    assert queue.flush(20)
    lines = file.getvalue().splitlines()
    assert lines[:3] == ["first", "line 0000.", "line 0001."]
    assert lines[-1] == "… 990 lines were dropped: they arrived faster than they could be printed"
    assert len(lines) == 12


def test_line_that_cannot_be_printed_does_not_affect_the_next() -> None:
    """Nothing of it is kept in the buffer."""
    file = BrokenFile(OSError(28, "No space left on device"))
    queue = PrintQueue(Console(file=file, width=80))
    queue.put(Text("lost"))
    assert queue.flush(20)
    file.error = None
    queue.put(Text("shown"))
    assert queue.flush(20)
    assert file.getvalue() == "shown\n"


def test_closed_file_is_no_error() -> None:
    """Its reader has closed it."""
    file = io.StringIO()
    file.close()
    queue = PrintQueue(Console(file=file, width=80))
    queue.put(Text("lost"))
    queue.put(Text("lost too"))
    assert queue.flush(20)
