"""uvicorn's HTTP protocol, extended to hand its connection to the application.

ASGI's `send` costs 5 µs and a wake-up of the watcher's task per event, as much as the kernel takes for the write
itself, and a suspended application costs 10 KiB per idle stream. So an application that finds this extension in the
scope may start its response by ASGI, detach the connection, and write chunks to it directly.

The bounds of a request are those of its base class. Two bugs of uvicorn are worked around: while a pipelined request
waits, the running one does not learn that the client has disconnected; and an HTTP/1.0 client gets the sizes of chunks
in the body.

This relies on private APIs of uvicorn; `tests/unit/streamer/process/test_detachable_protocol.py` pins them, and
`HEADWAY_STREAMER_FAST_PATH=false` does without the direct writes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from headway_streamer.process.bounded_protocol import BoundedProtocol

EXTENSION = "headway.connection"
END = b"0\r\n\r\n"
NO_REQUESTS: deque[Any] = deque()
"""Shared by all detached connections: one each would cost 760 bytes."""


class DetachableProtocol(BoundedProtocol):
    """One connection. `detach` takes it from uvicorn; from then on it is written to by `write` and ended by `end`."""

    # Not in the instance's dictionary: with more than 30 names it would not share its keys, and weigh 1.3 KiB more.
    __slots__ = ("_detached", "_on_lost", "_on_writable", "_running", "writable", "write")

    write: Callable[[bytes], None]
    """Send bytes, which are in chunked transfer coding. The transport's own: a call less per event."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.writable = True
        """Whether the kernel takes more: the send buffer is below its high-water mark."""
        self._detached = False
        self._running: RequestResponseCycle | None = None
        """The request being handled; `cycle` is the one received last."""
        self._on_lost: Callable[[Exception | None], None] | None = None
        self._on_writable: Callable[[bool], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self.write = transport.write

    def on_message_begin(self) -> None:
        """A request begins: its scope offers this connection."""
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: self}  # type: ignore[dict-item]

    @property
    def alone(self) -> bool:
        """Whether no other request waits behind this one."""
        return not self.pipeline

    def detach(self, on_lost: Callable[[Exception | None], None], on_writable: Callable[[bool], None]) -> bool:
        """Take the connection, after the response was started by ASGI and before the application returns.

        `on_lost` is called once when the peer disconnects, with the reason if there is one; `on_writable` whenever
        `writable` changes. False if it cannot be taken: the peer has disconnected, has sent another request, or
        does not support chunks.
        """
        cycle = self.cycle
        if self.pipeline or cycle.disconnected or not cycle.chunked_encoding:
            return False
        cycle.response_complete = True  # uvicorn leaves a completed response alone
        self._on_lost, self._on_writable = on_lost, on_writable
        self._detached = True
        self._stop_requests()
        # What only requests need, half of the memory of an idle stream.
        self.cycle = self.scope = self.headers = self.parser = self.flow = None  # type: ignore[assignment]
        self._running = None
        self.client = self.server = self.scheme = None
        self.url = b""  # with the token of an EventSource
        self.pipeline = NO_REQUESTS
        return True

    def end(self) -> None:
        """End the response and the connection, when all was sent."""
        self._on_lost = self._on_writable = None
        if not self.transport.is_closing():
            self.transport.write(END)
            self.transport.close()

    def abort(self) -> None:
        """Close the connection now; unsent bytes are lost."""
        if self._running is not None:
            self._running.disconnected = True  # uvicorn learns it later, and would miss the end of the response
        self.transport.abort()

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the kernel has not accepted yet."""
        return self.transport.get_write_buffer_size()

    def pause_writing(self) -> None:
        """The send buffer is above its high-water mark."""
        self._set_writable(False)
        if not self._detached:
            super().pause_writing()

    def resume_writing(self) -> None:
        """The send buffer is below its low-water mark."""
        if not self._detached:
            super().resume_writing()
        self._set_writable(True)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer has disconnected, or all was sent."""
        self._set_writable(False)
        super().connection_lost(exc)
        running, self._running = self._running, None
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        on_lost, self._on_lost, self._on_writable = self._on_lost, None, None
        if on_lost is not None:
            asyncio.get_running_loop().call_soon(on_lost, exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        if cycle.scope["http_version"] == "1.0":
            app = partial(_without_chunks, cycle, app)
        super()._start_asgi_task(cycle, app)

    def _set_writable(self, writable: bool) -> None:
        self.writable = writable
        if self._on_writable is not None:
            self._on_writable(writable)


async def _without_chunks(cycle: RequestResponseCycle, app: Any, scope: Any, receive: Any, send: Any) -> None:
    """Run `app` for a client of HTTP/1.0: a body of unknown length ends with the connection (RFC 9112 §6.3)."""

    unbounded = False

    async def send_plain(message: Any) -> None:
        nonlocal unbounded
        if message["type"] == "http.response.start":
            unbounded = all(name.lower() != b"content-length" for name, _ in message.get("headers", ()))
            if unbounded:
                cycle.chunked_encoding = False
        elif unbounded:
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    await app(scope, receive, send_plain)
