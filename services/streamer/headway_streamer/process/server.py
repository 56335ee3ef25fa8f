"""uvicorn's server with its own shutdown: drain first, then exit 0."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from types import FrameType
from typing import Any

import uvicorn

from headway_streamer.http.head import HeadAsGet
from headway_streamer.process.bounded_protocol import BoundedProtocol
from headway_streamer.watch.drain import Drain

logger = logging.getLogger(__name__)

IPPROTO_TCP = 6
BACKSTOP_MARGIN_SECONDS = 5.0


class DrainingServer(uvicorn.Server):
    """On the first SIGTERM or SIGINT it drains and then shuts down; on the second it shuts down at once."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Task[None] | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the drain is over."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal. uvicorn would stop at once, wait indefinitely for streams, and raise the signal again."""
        if self._loop is None or self._drain.draining:
            self.should_exit = self.force_exit = True
        else:
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        logger.info("draining", extra={"action": "drain"})
        self._drain.begin()
        self._ending = asyncio.ensure_future(self._end())

    async def _end(self) -> None:
        await self._drain.emptied()
        self.should_exit = True


class QuietServer(uvicorn.Server):
    """A second server in the same process, which leaves signals to the first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def config(app: Any, protocol: type[BoundedProtocol], **options: Any) -> uvicorn.Config:
    """The configuration of both servers: HEAD, no access log (URLs contain tokens), no lifespan, no server header.

    The client is the peer: uvicorn would believe X-Forwarded-For, by default of loopback peers and otherwise by
    FORWARDED_ALLOW_IPS, and a client could pass for a gateway of `forward_peers`. WebSockets would take connections out
    of the bounds of `protocol`.
    """
    return uvicorn.Config(
        HeadAsGet(app),
        http=protocol,
        ws="none",
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        **options,
    )


def listen(host: str, port: int, *, write_deadline_seconds: float = 0.0, shared: bool = False) -> socket.socket:
    """A listening socket; with `shared` other processes may listen on the same port.

    The writer to a connection ends it when the peer accepts no byte for `write_deadline_seconds`. As a backstop the
    kernel does, for responses that are not streams and for peers that vanished (tcp(7), TCP_USER_TIMEOUT), but late
    enough never to come first: a writer may notice only after nearly twice the deadline.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if write_deadline_seconds and hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(IPPROTO_TCP, socket.TCP_USER_TIMEOUT, backstop_ms(write_deadline_seconds))
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def backstop_ms(write_deadline_seconds: float) -> int:
    """After how many milliseconds without an acknowledged byte the kernel ends a connection."""
    return int((2 * write_deadline_seconds + BACKSTOP_MARGIN_SECONDS) * 1000)
