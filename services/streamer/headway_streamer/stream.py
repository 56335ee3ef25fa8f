"""A watcher on an ASGI connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from litestar import Request, Response
from litestar.types import Receive, Scope, Send

from headway_streamer import sse
from headway_streamer.drain import retry_ms
from headway_streamer.metrics import Metrics

logger = logging.getLogger(__name__)

HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"vary", b"Authorization, Cookie, Origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]

Body = AsyncIterator[bytes]


class EventStream(Response[None]):
    """A response that sends `body` piece by piece until it ends or the client goes away.

    `on_end` is called once, with whether the client went away first.
    """

    def __init__(
        self, body: Body, *, write_deadline_seconds: float, on_end: Callable[[bool], None] = lambda _: None
    ) -> None:
        super().__init__(None, media_type="text/event-stream")
        self._body = body
        self._deadline = write_deadline_seconds
        self._on_end = on_end

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> Any:
        """The ASGI application that Litestar calls."""
        return self._respond

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.current_task()
        assert writing is not None
        leaving = asyncio.ensure_future(_left(receive))
        left = False

        def on_left(_: object) -> None:
            nonlocal left
            left = True
            writing.cancel()

        leaving.add_done_callback(on_left)
        try:
            await self._write(send)
        except asyncio.CancelledError:
            if not left or writing.uncancel() > 0:
                raise
        finally:
            leaving.remove_done_callback(on_left)
            leaving.cancel()
            await self._body.aclose()  # type: ignore[attr-defined]
            self._on_end(left)

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        async for piece in self._body:
            try:
                async with asyncio.timeout(self._deadline):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            except TimeoutError:
                logger.info("a watcher took no byte in time", extra={"action": "write_deadline"})
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def turned_away(reason: str) -> Body:
    """A stream that says goodbye at once: a native EventSource would never return after an error status."""
    yield sse.control("goodbye", {"reason": reason}, retry_ms=retry_ms() * 3)


async def counted(body: Body, metrics: Metrics, reason: Callable[[], str]) -> Body:
    """`body`, counted as a watcher while it lasts."""
    metrics.watcher_opened()
    try:
        async for piece in body:
            yield piece
    finally:
        metrics.watcher_closed(reason())
