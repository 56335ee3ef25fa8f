"""uvicorn's HTTP protocol, which offers its connection to the application.

ASGI's `send` costs 5 µs and a wake-up of the watcher's task per event, as much as the kernel takes for the write
itself, and a
suspended application costs 10 KiB per idle stream. So an application that finds this extension in the scope may
start its response by ASGI, detach the connection, and write chunks to it directly.

This leans on internals of uvicorn 0.34 to 0.54; `tests/unit/streamer/test_wire.py` pins them, and
`HEADWAY_STREAMER_FAST_PATH=false` does without.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION = "headway.wire"
END = b"0\r\n\r\n"
NO_REQUESTS: deque[Any] = deque()
"""Shared by all detached connections: a deque of their own would cost each 760 bytes."""


class WireProtocol(HttpToolsProtocol):
    """One connection. `detach` takes it from uvicorn; from then on it is written to by `write` and ended by `end`."""

    # Not in the instance's dictionary: with more than 30 names it would not share its keys, and weigh 1.3 KiB more.
    __slots__ = ("_detached", "_on_lost", "_on_writable", "writable", "write")

    write: Callable[[bytes], None]
    """Send bytes, which are in chunked transfer coding. The transport's own: a call less per event."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.writable = True
        """Whether the kernel takes more: the send buffer is below its high-water mark."""
        self._detached = False
        self._on_lost: Callable[[], None] | None = None
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

    def detach(self, on_lost: Callable[[], None], on_writable: Callable[[bool], None]) -> bool:
        """Take the connection, after the response was started by ASGI and before the application returns.

        `on_lost` is called once when the peer goes away, `on_writable` whenever `writable` changes. False when it
        cannot be taken: the peer has gone, or has sent another request already.
        """
        cycle = self.cycle
        if self.pipeline or cycle.disconnected or not cycle.chunked_encoding:
            return False
        cycle.response_complete = True  # uvicorn leaves a completed response alone
        self._on_lost, self._on_writable = on_lost, on_writable
        self._detached = True
        # What only requests need, half of the memory of an idle stream.
        self.cycle = self.scope = self.headers = self.parser = self.flow = None  # type: ignore[assignment]
        self.client = self.server = self.scheme = None
        self.pipeline = NO_REQUESTS
        return True

    def end(self) -> None:
        """End the response and the connection, when all was sent."""
        self._on_lost = self._on_writable = None
        if not self.transport.is_closing():
            self.transport.write(END)
            self.transport.close()

    def abort(self) -> None:
        """End the connection now; what was not sent is lost."""
        self.transport.abort()

    @property
    def unsent_bytes(self) -> int:
        """What the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    def data_received(self, data: bytes) -> None:
        """Bytes of a client that should be listening are not looked at."""
        if not self._detached:
            super().data_received(data)

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
        """The peer has gone, or all was sent."""
        self._set_writable(False)
        super().connection_lost(exc)
        on_lost, self._on_lost, self._on_writable = self._on_lost, None, None
        if on_lost is not None:
            asyncio.get_running_loop().call_soon(on_lost)

    def _set_writable(self, writable: bool) -> None:
        self.writable = writable
        if self._on_writable is not None:
            self._on_writable(writable)
