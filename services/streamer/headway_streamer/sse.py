"""The bytes of Server-Sent Events. The one place where a frame is built; no I/O.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from typing import Any

from headway import codec
from headway.events import Event, Progress, is_terminal
from headway_streamer import cursor
from headway_streamer.cursor import Position

HEARTBEAT = b":\n"
"""A comment alone: one client takes a comment and a blank line for an event once it has seen an id."""

_NAMES = {"Progress": b"", "Chunk": b"event: chunk\n", "LogLine": b"event: log\n", "Cancel": b"event: cancel\n"}

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


class Frame:
    """One event of a log as watchers get it. Its bytes are made once and shared by all of them."""

    __slots__ = ("_celery", "_native", "data", "event", "head", "incarnation", "n", "seq", "tick")

    def __init__(self, event: Event, payload: bytes, seq: int, incarnation: str) -> None:
        self.event = event
        self.seq = seq
        self.n = event.n
        self.incarnation = incarnation
        self.head = _NAMES[type(event).__name__]
        self.data = b"data: " + codec.splice(payload) + b"\n\n"
        self.tick = tick_of(event)
        """Ticks that are alike in this may be merged to the latest; None is never merged."""
        self._native: bytes | None = None
        self._celery: bytes | None = None

    @property
    def position(self) -> Position:
        """The place after this event."""
        return Position(self.seq, self.n)

    @property
    def terminal(self) -> bool:
        """Whether nothing follows."""
        return is_terminal(self.event)

    @property
    def native(self) -> bytes:
        """For a watcher of this one task."""
        if self._native is None:
            self._native = self.with_id(self._id())
        return self._native

    @property
    def celery(self) -> bytes:
        """The same with `status` in Celery's words.

        https://docs.celeryq.dev/en/stable/userguide/tasks.html#states
        """
        if self._celery is None:
            self._celery = b"".join((self.head, b"id: ", self._id().encode(), b"\n", self._celery_data()))
        return self._celery

    def with_id(self, id: str) -> bytes:
        """For a watcher whose id is its own: of several tasks, or of a task that the URL does not name."""
        return b"".join((self.head, b"id: ", id.encode(), b"\n", self.data))

    def _id(self) -> str:
        return cursor.encode(self.incarnation, [self.position])

    def _celery_data(self) -> bytes:
        if not isinstance(self.event, Progress):
            return self.data
        fields: dict[str, Any] = codec.decode_json(self.data[6:])
        fields["status"] = celery_status(self.event)
        return b"data: " + codec.encode_json(fields) + b"\n\n"

    def __len__(self) -> int:
        return len(self.data) + 64


def celery_status(event: Progress) -> str:
    """Celery's word for the state of a task. A processing task that has done nothing yet is STARTED."""
    if event.status == "processing" and not event.progress and not event.done and not event.step:
        return "STARTED"
    return _CELERY[event.status]


def tick_of(event: Event) -> tuple[int, str, str] | None:
    """What makes two ticks alike: attempt, status and step. None for everything that is never merged."""
    if not isinstance(event, Progress) or event.terminal:
        return None
    return event.attempt, event.status, event.step


def merge(frames: list[Frame]) -> list[Frame]:
    """`frames` without the ticks that the next one replaces. Order, steps, attempts, chunks and logs are kept."""
    return [
        frame
        for place, frame in enumerate(frames, 1)
        if frame.tick is None or place == len(frames) or frame.tick != frames[place].tick
    ]
