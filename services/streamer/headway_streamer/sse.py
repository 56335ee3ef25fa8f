"""The bytes of Server-Sent Events. The one place where a frame is built; no I/O.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from typing import Any, TypeAlias

from headway import codec
from headway.events import TERMINAL, Cancel, Chunk, Event, LogLine, Progress
from headway_streamer.cursor import Position

HEARTBEAT = b":\n"
"""A comment alone: one client takes a comment and a blank line for an event once it has seen an id."""

_NAMES = {Progress: b"", Chunk: b"event: chunk\n", LogLine: b"event: log\n", Cancel: b"event: cancel\n"}

_CELERY = {
    "queued": "PENDING",
    "processing": "PROGRESS",
    "retrying": "RETRY",
    "completed": "SUCCESS",
    "error": "FAILURE",
    "cancelled": "REVOKED",
}


def block(data: bytes, *, event: str = "", id: str = "", retry_ms: int | None = None) -> bytes:
    """One event. Raises ValueError for a field with CR, LF or NUL: stripping them would hide an attack."""
    for field in (event, id, data):
        if _breaks_lines(field):
            raise ValueError("an SSE field must not hold CR, LF or NUL")
    lines = []
    if retry_ms is not None:
        lines.append(b"retry: %d\n" % retry_ms)
    if id:
        lines.append(b"id: " + id.encode() + b"\n")
    if event:
        lines.append(b"event: " + event.encode() + b"\n")
    lines.append(b"data: " + data + b"\n\n")
    return b"".join(lines)


def _breaks_lines(field: str | bytes) -> bool:
    if isinstance(field, str):
        field = field.encode()
    return b"\n" in field or b"\r" in field or b"\0" in field


def chunked(piece: bytes) -> bytes:
    """`piece` as one chunk of a body with chunked transfer coding (RFC 9112 §7.1)."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def control(event: str, data: dict[str, Any], *, id: str = "", retry_ms: int | None = None) -> bytes:
    """A named event of the streamer itself: hello, reset, stalled, goodbye."""
    return block(codec.encode_json(data), event=event, id=id, retry_ms=retry_ms)


Tick: TypeAlias = tuple[int, str, str]
"""Attempt, status and step."""


class Frame:
    """One event of a log as watchers get it. Its bytes are made once and shared by all of them.

    The decoded event is not kept: a tail holds thousands of frames, and all that is asked of one again are these few
    words.
    """

    __slots__ = ("_celery", "_data_at", "at", "n", "native", "seq", "snap", "terminal", "tick")

    def __init__(self, event: Event, payload: bytes, seq: int, incarnation: bytes) -> None:
        data = codec.splice(payload)
        self.seq = seq
        self.n = event.n
        self.at = event.at
        self.snap = event.snap
        """Sequence of the last progress up to here, itself included; 0 if there is none."""
        self.tick: Tick | None = None
        """Ticks that are alike in this may be merged to the latest; None is never merged."""
        self.terminal = False
        """Whether nothing follows."""
        if type(event) is Progress:
            self.snap = seq
            self.terminal = event.status in TERMINAL
            if not self.terminal:
                self.tick = (event.attempt, event.status, event.step)
        self.native = b"%bid: %b.%x-%x\ndata: %b\n\n" % (_NAMES[type(event)], incarnation, seq, event.n, data)
        """For a watcher of this one task."""
        self._data_at = len(self.native) - len(data) - 2
        self._celery: bytes | None = None

    @property
    def position(self) -> Position:
        """The place after this event."""
        return Position(self.seq, self.n)

    @property
    def payload(self) -> bytes:
        """The event's JSON, one line."""
        return self.native[self._data_at : -2]

    @property
    def event(self) -> Event:
        """The event, decoded anew."""
        return codec.decode(self.payload)

    @property
    def celery(self) -> bytes:
        """The same with `status` in Celery's words.

        https://docs.celeryq.dev/en/stable/userguide/tasks.html#states
        """
        if self._celery is None:
            event = self.event
            self._celery = self.native if not isinstance(event, Progress) else self._in_celery(event)
        return self._celery

    def with_id(self, id: str) -> bytes:
        """For a watcher whose id is its own: of several tasks, or of a task that the URL does not name."""
        head = self.native[: self.native.index(b"id: ")]
        return b"%bid: %b\n%b" % (head, id.encode(), self.native[self._data_at - 6 :])

    def _in_celery(self, event: Progress) -> bytes:
        fields: dict[str, Any] = codec.decode_json(self.payload)
        fields["status"] = celery_status(event)
        return self.native[: self._data_at] + codec.encode_json(fields) + b"\n\n"


FRAME_BYTES = 250
"""Of a frame's object and numbers, beside its bytes (tracemalloc on CPython 3.11: 229)."""


def celery_status(event: Progress) -> str:
    """Celery's word for the state of a task. A processing task that has done nothing yet is STARTED."""
    if event.status == "processing" and not event.progress and not event.done and not event.step:
        return "STARTED"
    return _CELERY[event.status]


def merge(frames: list[Frame]) -> list[Frame]:
    """`frames` without the ticks that the next one replaces. Order, steps, attempts, chunks and logs are kept."""
    return [
        frame
        for place, frame in enumerate(frames, 1)
        if frame.tick is None or place == len(frames) or frame.tick != frames[place].tick
    ]
