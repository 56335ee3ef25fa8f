"""What a report has noted and the server has not stored yet: merged, bounded, numbered. No I/O."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, NamedTuple

import msgspec

MAX_EVENTS = 200
"""Events of one batch."""
MAX_BATCH_BYTES = 100 * 1024
"""From here a batch takes no further event: its JSON stays below the size of a body that streamers take."""
MAX_PIECE_CHARS = 16 * 1024
"""Characters of one piece of output."""
MAX_LINES = 200
"""Log lines that may wait; so may as many steps."""
MAX_CHARS = 1024 * 1024
"""Characters of output and log lines that may wait."""


class Batch(NamedTuple):
    """Events to send, which stay the same until they are stored."""

    sequence: int
    """Number of the first event."""
    events: list[msgspec.Raw]


class ReportBuffer:
    """The events of one attempt on their way. Methods may be called from any thread.

    Progress is merged to the latest, pieces of output are joined. What is over a bound is counted, and a log line says
    how much was left out.
    """

    def __init__(self) -> None:
        self.left_out = 0
        """Lines, steps and pieces of output that found no room so far."""
        self._lock = threading.Lock()
        self._progress: dict[str, Any] = {}
        self._events: deque[dict[str, Any]] = deque()
        self._sent: list[msgspec.Raw] = []
        self._first = 1
        self._lines = self._steps = self._chars = 0
        self._missing: dict[str, int] = {}
        self._closed = False

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not (self._sent or self._events or self._progress or self._missing)

    @property
    def next_sequence(self) -> int:
        """Number of the first event that is not stored."""
        return self._first

    def progress(self, changes: dict[str, Any]) -> None:
        """Note the fields of a progress event; the others stay as they were."""
        with self._lock:
            if not self._closed:
                self._progress |= changes

    def step(self, name: str, total: float | None, unit: str | None) -> None:
        """Begin a step, after the last state of the one before."""
        with self._lock:
            if self._steps >= MAX_LINES or self._closed:
                self._leave_out("steps")
                return
            self._steps += 1
            self._add_progress()
            given = {"total": total, "unit": unit}
            named = {key: value for key, value in given.items() if value is not None}
            self._events.append({"type": "step", "name": name, **named})

    def line(self, message: str, level: str, logger: str) -> None:
        """Add a log line."""
        with self._lock:
            if self._lines >= MAX_LINES or self._chars >= MAX_CHARS or self._closed:
                self._leave_out("lines")
                return
            self._lines += 1
            self._chars += len(message)
            named = {"logger": logger} if logger else {}
            self._events.append({"type": "log", "level": level, "message": message, **named})

    def output(self, text: str) -> None:
        """Add output text of any length."""
        with self._lock:
            if self._chars >= MAX_CHARS or self._closed:
                self._leave_out("characters of output", len(text))
                return
            self._chars += len(text)
            for start in range(0, len(text), MAX_PIECE_CHARS):
                self._add_piece(text[start : start + MAX_PIECE_CHARS])

    def close(self) -> None:
        """Drop all that waits, and count nothing more: the server takes only the end."""
        with self._lock:
            self._closed = True
            self._progress, self._events, self._sent, self._missing = {}, deque(), [], {}

    def leave_out_lines(self, count: int) -> None:
        """Count lines that the caller did not add."""
        if count:
            with self._lock:
                self._leave_out("lines", count)

    def take(self) -> Batch:
        """The batch to send: the one before as long as any of it is not stored, else the next; perhaps empty."""
        with self._lock:
            if not self._sent:
                self._add_missing()
                self._add_progress()
                self._fill()
            return Batch(self._first, list(self._sent))

    def stored(self, sequence: int) -> None:
        """The server has all events up to `sequence`, and expects the next one."""
        with self._lock:
            self._sent = self._sent[max(sequence + 1 - self._first, 0) :]
            self._first = sequence + 1

    # With the lock

    def _fill(self) -> None:
        size = 0
        while self._events and len(self._sent) < MAX_EVENTS and size < MAX_BATCH_BYTES:
            event = self._events.popleft()
            self._chars -= len(event.get("text", "")) + len(event.get("message", "")) * (event["type"] == "log")
            self._lines -= event["type"] == "log" and "left_out" not in event
            self._steps -= event["type"] == "step"
            event.pop("left_out", None)
            raw = msgspec.json.encode(event)
            size += len(raw)
            self._sent.append(msgspec.Raw(raw))

    def _add_piece(self, text: str) -> None:
        last = self._events[-1] if self._events else None
        if last is not None and last["type"] == "chunk" and len(last["text"]) + len(text) <= MAX_PIECE_CHARS:
            last["text"] += text
        else:
            self._events.append({"type": "chunk", "text": text})

    def _add_progress(self) -> None:
        if self._progress:
            self._events.append({"type": "progress", **self._progress})
            self._progress = {}

    def _add_missing(self) -> None:
        for what, count in self._missing.items():
            message = f"{count:,} more {what} left out"
            self._chars += len(message)
            self._events.append({"type": "log", "level": "warning", "message": message, "left_out": True})
        self._missing = {}

    def _leave_out(self, what: str, count: int = 1) -> None:
        if not self._closed:
            self._missing[what] = self._missing.get(what, 0) + count
            self.left_out += 1 if what.startswith("characters") else count
