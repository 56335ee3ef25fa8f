"""Parse Server-Sent Events from chunks of bytes of any size. No I/O.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from typing import NamedTuple

BOM = b"\xef\xbb\xbf"
MAX_DIGITS = 15
"""Maximum digits of a `retry`; longer ones are ignored."""


class ServerSentEvent(NamedTuple):
    """One event as a browser would dispatch it."""

    event: str
    """Its type; `message` when it has none."""
    data: str
    id: str
    """The last id up to here: the `Last-Event-ID` of a reconnect."""


class Parser:
    """The parser of one stream. An unfinished event at the end is dropped."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry_ms: int | None = None
        """The latest reconnection time that the server asked for."""
        self._rest = b""
        self._at_start = True
        self._after_cr = False
        self._id = last_id
        self._event = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes, in order."""
        events = []
        for line in self._lines(chunk):
            if line:
                self._field(line.decode("utf-8", "replace"))
            elif (event := self._dispatch()) is not None:
                events.append(event)
        return events

    def _lines(self, chunk: bytes) -> list[bytes]:
        if not chunk:
            return []
        if self._after_cr:
            # The second half of a \r\n across two chunks; the line was complete with the \r.
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        text = self._rest + chunk
        if self._at_start:
            if len(text) < len(BOM) and BOM.startswith(text):
                self._rest = text
                return []
            self._at_start = False
            text = text.removeprefix(BOM)
        self._after_cr = text.endswith(b"\r")
        *lines, self._rest = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        return lines

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
            self.retry_ms = int(value)

    def _dispatch(self) -> ServerSentEvent | None:
        self.last_id = self._id
        data, name = self._data, self._event
        self._data, self._event = [], ""
        if not data:
            return None
        return ServerSentEvent(name or "message", "\n".join(data), self.last_id)
