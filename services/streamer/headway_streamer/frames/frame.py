"""A frame: the bytes of one event as watchers get it, made once. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from headway import codec
from headway.events import TERMINAL, Aside, Cancel, Chunk, Deleted, Event, LogLine, Progress
from headway_streamer.frames.cursor import Position
from headway_streamer.frames.dialect import NATIVE, Dialect

_NAMES = {
    Deleted: b"",
    Progress: b"",
    Chunk: b"event: chunk\n",
    Aside: b"event: aside\n",
    LogLine: b"event: log\n",
    Cancel: b"event: cancel\n",
}

Tick: TypeAlias = tuple[int, str, str]
"""Attempt, status and step of a progress event."""


class Frame(msgspec.Struct, gc=False):
    """One event of a log as watchers get it. Its bytes are made once and shared by all of them.

    The decoded event is not kept: a tail holds thousands of frames, and only these few fields are needed again. A
    Struct, because it is created faster than an instance and not tracked by the garbage collector.
    """

    seq: int
    n: int
    at: float
    snap: int
    """Sequence of the last progress up to here, itself included; 0 if there is none."""
    native: bytes
    """The SSE block for a watcher of this task alone. Empty for the deletion of the task: nobody is sent that."""
    data_at: int
    """Offset of the event's JSON in `native`."""
    tick: Tick | None = None
    """Consecutive progress events with an equal tick may be merged to the latest; None is never merged."""
    terminal: bool = False
    """Whether the event ends the task."""
    forms: dict[str, bytes] | None = None
    """What `form` has made, by the name of the dialect; None until a watcher asks for one."""

    @classmethod
    def of(cls, event: Event, payload: bytes, seq: int, incarnation: bytes) -> Frame:
        """The frame of an event, with the bytes from which it was decoded. Raises MalformedEventError."""
        data = codec.splice(payload)
        native = b"%bid: %b.%x-%x\ndata: %b\n\n" % (_NAMES[type(event)], incarnation, seq, event.n, data)
        data_at = len(native) - len(data) - 2
        if type(event) is not Progress:
            if type(event) is Deleted:
                return cls(seq, event.n, event.at, 0, b"", 0, None, True)
            return cls(seq, event.n, event.at, event.snap, native, data_at)
        if event.status in TERMINAL:
            return cls(seq, event.n, event.at, seq, native, data_at, None, True)
        return cls(seq, event.n, event.at, seq, native, data_at, (event.attempt, event.status, event.step))

    @property
    def deleted(self) -> bool:
        """Whether the event says that the task is deleted."""
        return not self.native

    @property
    def position(self) -> Position:
        """The place after this event."""
        return Position(self.seq, self.n)

    @property
    def payload(self) -> bytes:
        """The event's JSON, one line."""
        return self.native[self.data_at : -2]

    @property
    def event(self) -> Event:
        """The event, decoded again."""
        return codec.decode(self.payload)

    def form(self, dialect: Dialect) -> bytes:
        """The bytes in `dialect`: made once, and shared by all of its watchers."""
        if dialect.translate is None:
            return self.native
        if self.forms is None:
            self.forms = {}
        if dialect.name not in self.forms:
            self.forms[dialect.name] = self._translated(dialect)
        return self.forms[dialect.name]

    def with_id(self, id: str, dialect: Dialect = NATIVE) -> bytes:
        """The bytes for a watcher with its own ids: of several tasks, or of a task that the URL does not name."""
        head = self.native[: self.native.index(b"id: ")]
        return b"%bid: %b\n%b" % (head, id.encode(), self.form(dialect)[self.data_at - 6 :])

    def _translated(self, dialect: Dialect) -> bytes:
        event = self.event
        assert dialect.translate is not None
        if not isinstance(event, Progress) or not (changed := dialect.translate(event)):
            return self.native
        fields: dict[str, Any] = codec.decode_json(self.payload) | changed
        return self.native[: self.data_at] + codec.encode_json(fields) + b"\n\n"


FRAME_BYTES = 230
"""Memory of a frame's object and numbers, beside its bytes (tracemalloc on CPython 3.11: 213)."""


def merge(frames: Sequence[Frame]) -> list[Frame]:
    """`frames` without the progress events that the next one replaces. The order and all other events are kept."""
    return [
        frame
        for place, frame in enumerate(frames, 1)
        if frame.tick is None or place == len(frames) or frame.tick != frames[place].tick
    ]
