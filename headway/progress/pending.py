"""What an attempt has reported and the log does not have yet: merged, bounded, in order. No I/O.

Progress is merged to the latest, consecutive chunks and asides of one channel are joined, changes of step are kept.
What is over a bound is counted, and a log line says how much was left out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from headway.events import MAX_CHUNK_CHARS, Aside, Chunk, Event, LogLine, Progress

PROGRESS_EVERY = 500
"""A progress is stored again after this many other events, so that a trimmed history still holds the state."""
MAX_PENDING_LINES = 200
MAX_PENDING_STEPS = 200
MAX_CHANNELS = 100
"""Channels of one attempt. The text of further ones goes to `OTHER_CHANNEL`."""
OTHER_CHANNEL = "other"
MAX_PENDING_CHARS = 16 * 1024 * 1024


class Room:
    """Characters of output and log lines that may wait. Attempts that share one share its limit."""

    def __init__(self, limit_chars: int | None = None) -> None:
        self._limit = limit_chars
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def left(self) -> bool:
        """Whether more may be added."""
        return self._taken < (MAX_PENDING_CHARS if self._limit is None else self._limit)

    def take(self, chars: int) -> None:
        """Note that so many characters wait; a negative number gives room back."""
        with self._lock:
            self._taken += chars


class Pending:
    """The events of one attempt that wait. The caller holds a lock while it adds and takes.

    Args:
        snapshot: makes the progress event of this moment.
        room: for output and log lines (default: `MAX_PENDING_CHARS` of its own).
    """

    def __init__(self, snapshot: Callable[[], Progress], room: Room | None = None) -> None:
        self._snapshot = snapshot
        self._events: deque[Event] = deque()
        self._room = room or Room()
        self._left_out_chars = 0
        self._offsets: dict[str, int] = {}
        """Characters so far, by channel; that of the output is empty."""
        self._lines = self._lines_left_out = 0
        self._steps = self._steps_left_out = 0
        self._since_progress = 0

    def __len__(self) -> int:
        return len(self._events)

    @property
    def has_room(self) -> bool:
        """Whether output may be added."""
        return self._room.left

    def add_step(self, change: Callable[[], None], *, changed: bool) -> bool:
        """Keep the last state of the step that ends by `change`, and the first state of the step that begins.

        `changed` says whether the progress has changed since it was last taken. Returns whether it is still to be
        taken: at most `MAX_PENDING_STEPS` steps and the latest are kept.
        """
        self._steps += 1
        if self._steps > MAX_PENDING_STEPS:
            self._steps_left_out = self._steps - MAX_PENDING_STEPS - 1
            change()
            return True
        if changed:
            self._events.append(self._snapshot())
        change()
        self._events.append(self._snapshot())
        return False

    def add_line(self, line: LogLine) -> bool:
        """Keep `line`. False when `MAX_PENDING_LINES` wait already, or there is no room: it is only counted."""
        if self._lines >= MAX_PENDING_LINES or not self._room.left:
            self._lines_left_out += 1
            return False
        self._lines += 1
        self._room.take(len(line.message))
        self._events.append(line)
        return True

    def add_output(self, text: str, channel: str = "") -> None:
        """Keep output of any length, or text beside it, in pieces that fit in an event."""
        self._room.take(len(text))
        if channel and channel not in self._offsets and len(self._offsets) > MAX_CHANNELS:
            channel = OTHER_CHANNEL
        for start in range(0, len(text), MAX_CHUNK_CHARS):
            self._add_piece(text[start : start + MAX_CHUNK_CHARS], channel)

    def leave_out(self, text: str) -> None:
        """Only count output for which there is no room."""
        self._left_out_chars += len(text)

    def stored(self, event: Event) -> bool:
        """Give the room of a stored event back. Returns whether it took any."""
        chars = _chars(event)
        if chars:
            self._room.take(-chars)
        return chars > 0

    def discard(self) -> None:
        """Drop all that waits, and give its room back."""
        for event in self.take(changed=False):
            self.stored(event)

    def take(self, *, changed: bool) -> deque[Event]:
        """All events that wait, the progress of this moment last if it has `changed`.

        It is also added after `PROGRESS_EVERY` other events.
        """
        taken, self._events = self._events, deque()
        self._lines = self._steps = 0
        self._add_left_out(taken)
        if changed or self._since_progress + len(taken) >= PROGRESS_EVERY:
            self._since_progress = 0
            taken.append(self._snapshot())
        else:
            self._since_progress += len(taken)
        return taken

    def _add_piece(self, text: str, channel: str) -> None:
        last = self._events[-1] if self._events else None
        offset = self._offsets.get(channel, 0)
        if (
            isinstance(last, Chunk | Aside)
            and _channel(last) == channel
            and len(last.text) + len(text) <= MAX_CHUNK_CHARS
        ):
            last.text += text
        elif channel:
            self._events.append(Aside(channel=channel, text=text, offset=offset))
        else:
            self._events.append(Chunk(text=text, offset=offset))
        self._offsets[channel] = offset + len(text)

    def _add_left_out(self, taken: deque[Event]) -> None:
        chars, self._left_out_chars = self._left_out_chars, 0
        lines, self._lines_left_out = self._lines_left_out, 0
        steps, self._steps_left_out = self._steps_left_out, 0
        for count, what in ((chars, "characters of output"), (lines, "lines"), (steps, "steps")):
            if count:
                line = LogLine(level="warning", message=f"{count} more {what} left out")
                self._room.take(len(line.message))
                taken.append(line)


def _channel(event: Chunk | Aside) -> str:
    return event.channel if isinstance(event, Aside) else ""


def _chars(event: Event) -> int:
    if isinstance(event, Chunk | Aside):
        return len(event.text)
    return len(event.message) if isinstance(event, LogLine) else 0
