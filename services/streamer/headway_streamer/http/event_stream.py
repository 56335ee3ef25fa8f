"""Event streams as HTTP responses: by direct writes where the server offers its connection, by ASGI elsewhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from litestar import Request, Response
from litestar.types import Receive, Scope, Send

from headway_streamer.tasks.presence import Presence
from headway_streamer.watch.admission import Admission, StreamRequest, rejection
from headway_streamer.watch.direct_writer import DirectWriter
from headway_streamer.watch.idle_timer import IdleTimer
from headway_streamer.watch.session import Session
from headway_streamer.watch.watcher import Watcher

EXTENSION = "headway.connection"

HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"vary", b"Authorization, Cookie, Origin"),
]

logger = logging.getLogger(__name__)


class EventStreams:
    """Answers requests with event streams.

    Args:
        direct: whether watchers that have caught up are written to directly.
    """

    def __init__(self, admission: Admission, presence: Presence, idle_timer: IdleTimer, *, direct: bool) -> None:
        self._admission = admission
        self._presence = presence
        self._idle_timer = idle_timer
        self._direct = direct

    async def open(self, wanted: StreamRequest, *, starter: bool = False) -> Response[Any]:
        """Return a stream, or 204 if the client has all of it. Raises a Problem for an unknown task.

        With `starter`, the task is cancelled while the client stays away: publish that it is present.
        """
        session = await self._admission.open(wanted)
        if session is None:
            return Response(None, status_code=204, headers={"Cache-Control": "no-store"})
        if starter and not wanted.head:
            self._publish_presence(session, wanted.tasks[0])
        return EventStream(session, self._idle_timer, direct=self._direct)

    def reject(self, reason: str, seconds: float = 0.0) -> EventStream:
        """Return a stream that ends at once: an EventSource reconnects after it, but never after an error status.

        It does so after `seconds` at the earliest.
        """
        return EventStream(rejection(reason, seconds), self._idle_timer, direct=self._direct)

    def _publish_presence(self, session: Session, task: str) -> None:
        if session.watcher is None:
            self._presence.called(task)  # rejected, to reconnect later
            return
        self._presence.arrived(task)
        session.on_close(lambda _: self._presence.left(task))


class EventStream(Response[None]):
    """A response that lasts until the session ends or the client disconnects."""

    def __init__(self, session: Session, idle_timer: IdleTimer, *, direct: bool) -> None:
        super().__init__(None, media_type="text/event-stream")
        self._session = session
        self._idle_timer = idle_timer
        self._direct = direct

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> Any:
        """The ASGI application that Litestar calls."""
        return self._respond

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        extensions: dict[str, Any] = dict(scope.get("extensions") or {})
        connection = extensions.get(EXTENSION)
        watcher = self._session.watcher
        direct = self._direct and watcher is not None and connection is not None and connection.alone
        try:
            # A detached connection ends with its stream: without the header a client would send its next request on it.
            headers = [*HEADERS, (b"connection", b"close")] if direct else HEADERS
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if watcher is None:
                await send({"type": "http.response.body", "body": self._session.farewell, "more_body": False})
                self._session.close()
            elif not (direct and self._detached(connection, watcher)):
                await self._send_all(receive, send, connection)
        except BaseException:
            self._session.close()
            raise

    def _detached(self, connection: Any, watcher: Watcher) -> bool:
        writer = DirectWriter(self._session, watcher, connection, self._idle_timer)
        if not connection.detach(writer.lost, writer.on_writable):
            return False
        self._session.abort = connection.abort
        writer.start()
        return True

    async def _send_all(self, receive: Receive, send: Send, connection: Any) -> None:
        """Send by plain ASGI: one task for the stream, one to learn that the client has left."""
        writing = asyncio.current_task()
        assert writing is not None
        leaving = asyncio.ensure_future(_left(receive))
        left = False

        def on_left(_: object) -> None:
            nonlocal left
            left = True
            writing.cancel()

        leaving.add_done_callback(on_left)
        self._session.abort = leaving.cancel if connection is None else connection.abort
        try:
            await self._write(send, connection)
        except asyncio.CancelledError:
            if not left or writing.uncancel() > 0:
                raise
        finally:
            leaving.remove_done_callback(on_left)
            leaving.cancel()
            self._session.close()

    async def _write(self, send: Send, connection: Any) -> None:
        watcher = self._session.watcher
        assert watcher is not None
        try:
            pieces = watcher.stream()
            assert isinstance(pieces, AsyncGenerator)
            async with aclosing(pieces):
                async for piece in pieces:
                    async with asyncio.timeout(self._idle_timer.write_deadline_seconds):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            watcher.ended_by = "deadline"
            self._idle_timer.metrics.write_deadline()
            logger.info("a watcher accepted no byte in time", extra={"action": "write_deadline"})
            if connection is not None:  # ASGI itself cannot abort; elsewhere the kernel ends it (see server.listen)
                connection.abort()
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
