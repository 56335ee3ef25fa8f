"""Reports what a program prints: its progress, and its lines if they are wanted."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from headway.cli.child.followed_bar import FollowedBar
from headway.cli.child.output_lines import Line, OutputLines
from headway.cli.child.recognition import Seen, recognise
from headway.client import Report
from headway.values.redaction import redact

PAUSE = 9
"""After a look at the output it passes unread for this many times as long: a flood is slowed by a tenth at most."""
TAIL_BYTES = 16 * 1024
"""What passes unread is kept up to this size and read later; lines before are counted."""
LAST_LINES = 20
"""Lines of a failed command's errors that are reported."""


class OutputReport:
    """One program's output, of one stream or two. `take` may be called from several threads.

    Args:
        report: None when nothing can be reported.
        logs: whether each line becomes a log line of the task.
        clock: seconds, monotonic.
    """

    def __init__(
        self, report: Report | None, *, logs: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.lines = self.bytes = 0
        """What has passed."""
        self._report, self._logs, self._clock = report, logs, clock
        self._lock = threading.Lock()
        self._bar = FollowedBar()
        self._streams: dict[int, _Stream] = {}
        self._blind_until = 0.0

    def take(self, stream: int, piece: bytes) -> None:
        """Look at a piece of output of the stream with this number; an empty one when nothing comes."""
        with self._lock:
            self.lines += piece.count(b"\n")
            self.bytes += len(piece)
            found = self._streams.setdefault(stream, _Stream())
            found.tail = (found.tail + piece)[-TAIL_BYTES:]
            found.unread += piece
            began = self._clock()
            if began >= self._blind_until:
                self._read(found)
                if not piece:
                    self._show(found.reader.unfinished())
                self._blind_until = self._clock() + PAUSE * (self._clock() - began)
            else:
                self._forget(found)

    def finish(self) -> None:
        """All output has passed: read what is left."""
        with self._lock:
            for stream in self._streams.values():
                self._read(stream)
                self._show(stream.reader.flush())

    def last_lines(self, stream: int) -> list[str]:
        """The last lines of a stream as people see them, without secrets and empty lines."""
        with self._lock:
            tail = self._streams[stream].tail if stream in self._streams else b""
        reader = OutputLines()
        shown = [line.text.rstrip() for line in (*reader.feed(tail), *reader.flush()) if line.ended]
        return [redact(text) for text in deque(filter(None, shown), LAST_LINES)]

    def log_last_lines(self, stream: int) -> list[str]:
        """Report the last lines of a stream as log lines, unless all lines are, and return them."""
        lines = self.last_lines(stream)
        if not self._logs and self._report is not None:
            for line in lines:
                self._report.log(line, "error", logger="stderr")
        return lines

    def _read(self, stream: _Stream) -> None:
        data, stream.unread = stream.unread, b""
        self._show(stream.reader.feed(data))

    def _forget(self, stream: _Stream) -> None:
        """Keep the end of what is unread, from the beginning of a line if there is one."""
        if len(stream.unread) <= TAIL_BYTES:
            return
        cut = stream.unread.find(b"\n", -TAIL_BYTES) + 1 or len(stream.unread) - TAIL_BYTES
        if self._logs and self._report is not None:
            self._report.leave_out_lines(stream.unread.count(b"\n", 0, cut))
        stream.unread = stream.unread[cut:]

    def _show(self, lines: list[Line]) -> None:
        if self._report is None:
            return
        for line in lines:
            seen = recognise(line.text, redrawn=line.redrawn)
            if seen is not None:
                self._show_bar(self._report, seen)
            if self._logs and line.ended and (text := line.text.rstrip()):
                self._report.log(redact(text))

    def _show_bar(self, report: Report, seen: Seen) -> None:
        change = self._bar.take(seen)
        if change is None:
            return
        label = redact(seen.label)
        if change.begins and seen.bar:
            report.step(label, total=seen.total, unit=seen.unit)
        # Within a step its name says what the label says.
        report.update(message=None if seen.bar else label or None, done=seen.done, total=seen.total, unit=seen.unit)


class _Stream:
    """What is read of one stream."""

    def __init__(self) -> None:
        self.tail = b""
        self.unread = b""
        self.reader = OutputLines()
