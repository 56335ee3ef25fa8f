"""What an attempt has reported and the log does not have yet: merged, bounded, in order. No I/O.

Progress is merged to the latest, chunks are joined, changes of step are kept. What is over a bound is counted, and a
log line says how much was left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from headway.events import MAX_CHUNK_CHARS, Chunk, Event, LogLine, Progress

PROGRESS_EVERY = 500
"""A progress is stored again after this many other events, so that a trimmed history still holds the state."""
MAX_PENDING_LINES = 200
MAX_PENDING_STEPS = 200
MAX_PENDING_CHARS = 16 * 1024 * 1024


class Pending:
    """The events of one attempt that wait. The caller holds a lock while it adds and takes.

    Args:
        snapshot: makes the progress event of this moment.
    """

    def __init__(self, snapshot: Callable[[], Progress]) -> None:
        self._snapshot = snapshot
        self._events: deque[Event] = deque()
        self._chars = 0
        self._offset = 0
        self._lines = self._lines_left_out = 0
        self._steps = self._steps_left_out = 0
        self._since_progress = 0

    def __len__(self) -> int:
        return len(self._events)

    @property
    def has_room(self) -> bool:
        """Whether output may be added: less than `MAX_PENDING_CHARS` of it wait."""
        return self._chars < MAX_PENDING_CHARS

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
        """Keep `line`. False when `MAX_PENDING_LINES` wait already: it is only counted."""
        if self._lines >= MAX_PENDING_LINES:
            self._lines_left_out += 1
            return False
        self._lines += 1
        self._events.append(line)
        return True

    def add_output(self, text: str) -> None:
        """Keep output of any length, in pieces that fit in an event."""
        self._chars += len(text)
        for start in range(0, len(text), MAX_CHUNK_CHARS):
            self._add_chunk(text[start : start + MAX_CHUNK_CHARS])

    def stored_output(self, chars: int) -> None:
        """Make room: this many characters are stored."""
        self._chars -= chars

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

    def _add_chunk(self, text: str) -> None:
        last = self._events[-1] if self._events else None
        if isinstance(last, Chunk) and len(last.text) + len(text) <= MAX_CHUNK_CHARS:
            last.text += text
        else:
            self._events.append(Chunk(text=text, offset=self._offset))
        self._offset += len(text)

    def _add_left_out(self, taken: deque[Event]) -> None:
        lines, self._lines_left_out = self._lines_left_out, 0
        steps, self._steps_left_out = self._steps_left_out, 0
        if lines:
            taken.append(LogLine(level="warning", message=f"{lines} more lines left out"))
        if steps:
            taken.append(LogLine(level="warning", message=f"{steps} more steps left out"))
