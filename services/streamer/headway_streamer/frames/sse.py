"""The encoding of Server-Sent Events. No I/O.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from headway import codec
from headway_streamer.api.models import Note

HEARTBEAT = b":\n"
"""A comment without a blank line: one client treats a comment and a blank line as an event after it has seen an id."""


def block(data: bytes, *, event: str = "", id: str = "", retry_ms: int | None = None) -> bytes:
    """Encode one event. Raises ValueError for a field with CR, LF or NUL: stripping them would hide an attack."""
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


def control(note: Note, *, id: str = "", retry_ms: int | None = None) -> bytes:
    """Encode an event of the streamer itself."""
    return block(codec.encode_json(note), event=type(note).__name__.lower(), id=id, retry_ms=retry_ms)
