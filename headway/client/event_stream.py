"""Watch tasks over Server-Sent Events, across lost connections. Used by `headway.client`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from headway.client.backoff import Backoff, is_fatal, retry_after
from headway.client.sse_parser import Parser, ServerSentEvent
from headway.errors import ClientError
from headway.events import TERMINAL
from headway.values.redaction import redact_url

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
"""Interval of a streamer's heartbeats, until its `hello` gives another. After three missed ones it has stalled."""
CONNECT_SECONDS = 10.0


class Watched(msgspec.Struct, frozen=True):
    """One event of a stream."""

    event: str
    """progress, chunk, log, cancel; or of the streamer itself: hello, reset, stalled, resumed, goodbye."""
    data: dict[str, Any]
    cursor: str
    """Position after this event, to resume from."""
    raw: str = ""
    """`data` as it was received."""

    @property
    def task(self) -> str:
        """The task of the event; empty for hello and goodbye."""
        return str(self.data.get("task", ""))

    @property
    def terminal(self) -> bool:
        """Whether this is the last event of its task."""
        return self.event == "progress" and self.data.get("status") in TERMINAL


class StreamLost(Exception):
    """A stream was lost and is to be reopened, not before `floor_seconds`. `Client.watch` handles all of them."""

    def __init__(self, reason: str, floor_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.floor_seconds = floor_seconds


class Stream:
    """The state of one `watch` across its connections: the cursor, the open tasks, the back-off."""

    def __init__(self, http: httpx.AsyncClient, tasks: tuple[str, ...], cursor: str, merge: bool) -> None:
        if not tasks:
            raise ClientError("name at least one task to watch")
        if not (cursor.isascii() and cursor.isprintable()):
            raise ClientError(f"{cursor!r} is not a cursor of a streamer")
        self.backoff = Backoff()
        self.settled = False
        self._http = http
        self._cursor = cursor
        self._tasks = frozenset(tasks)
        self._open = set(tasks)
        self._silence_seconds = 3 * HEARTBEAT_SECONDS
        self._path = "/api/v1/stream" if len(self._tasks) > 1 else task_path(tasks[0], "/stream")
        self._query = [("task", task) for task in sorted(self._tasks)] if len(self._tasks) > 1 else []
        if not merge:
            self._query.append(("merge", "0"))

    async def connection(self) -> AsyncGenerator[Watched, None]:
        """Yield the events of one connection. Ends when all tasks have ended, else raises StreamLost or ClientError."""
        try:
            async with aclosing(self._events()) as events:
                async for event in events:
                    yield event
                    if self.settled:
                        return
        except TimeoutError as error:
            raise StreamLost(f"no heartbeat for {self._silence_seconds:g} s") from error
        except httpx.TransportError as error:
            raise StreamLost(reason(error)) from error
        except httpx.RequestError as error:
            raise ClientError(reason(error)) from error
        if not self.settled:
            raise StreamLost("the stream ended")

    async def _events(self) -> AsyncGenerator[Watched, None]:
        parser = Parser(self._cursor)
        async with self._http.stream("GET", self._path, **self._request()) as response:
            if not await self._accepts(response):
                return
            chunks = response.aiter_bytes()
            while (chunk := await self._chunk(chunks)) is not None:
                events = parser.feed(chunk)
                if parser.retry_ms is not None:
                    self.backoff.floor_seconds = parser.retry_ms / 1000
                for event in events:
                    try:
                        yield self._take(event)
                    except RecursionError:  # older streamers accepted such parameters
                        logger.warning("an event is nested too deeply and is skipped", extra={"action": "event_deep"})
                self._cursor = parser.last_id

    async def _chunk(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        async with asyncio.timeout(self._silence_seconds):
            return await anext(chunks, None)

    def _request(self) -> dict[str, Any]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._cursor:
            headers["Last-Event-ID"] = self._cursor
        timeout = httpx.Timeout(CONNECT_SECONDS, read=self._silence_seconds)
        return {"params": self._query, "headers": headers, "timeout": timeout}

    async def _accepts(self, response: httpx.Response) -> bool:
        if response.status_code == 204:
            self.settled = True
            return False
        if is_fatal(response.status_code):
            await response.aread()
            raise refusal(response)
        if response.status_code != 200:
            floor = retry_after(response.headers.get("retry-after", ""))
            raise StreamLost(f"the server answered {response.status_code}", floor)
        type = response.headers.get("content-type", "")
        if not type.startswith("text/event-stream"):
            raise ClientError(
                f"{shown(response)} is not an event stream but {type or 'of no type'}: is that a streamer?"
            )
        return True

    def _take(self, event: ServerSentEvent) -> Watched:
        try:
            data = msgspec.json.decode(event.data, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise ClientError(f"the server sent an event that is not a JSON object: {error}") from error
        watched = Watched("progress" if event.event == "message" else event.event, data, event.id, event.data)
        self._learn(watched)
        return watched

    def _learn(self, watched: Watched) -> None:
        if watched.event != "goodbye":  # it may be all that an overloaded streamer sends
            self.backoff.attempts = 0
        if watched.event == "hello":
            self._silence_seconds = 3 * _seconds(watched.data.get("heartbeat_seconds"), HEARTBEAT_SECONDS)
        elif watched.event == "reset":
            self._open |= self._tasks & {watched.task}
        elif watched.terminal:
            self._open.discard(watched.task)
        self.settled = not self._open


def task_path(task: str, rest: str = "") -> str:
    """The path of a task's routes."""
    return f"/api/v1/tasks/{quote(task, safe='')}{rest}"


def shown(response: httpx.Response) -> str:
    """The URL of a response, without secrets."""
    return redact_url(str(response.url))


def reason(error: Exception) -> str:
    """The message of an error, or its type."""
    return str(error) or type(error).__name__


def refusal(response: httpx.Response) -> ClientError:
    """The exception for an error response whose body was read."""
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    # With several faults, `detail` may repeat one of them; `errors` has them all.
    names = ("title", "detail") if problem.get("errors") else ("detail", "title")
    said = next((problem[name] for name in names if problem.get(name)), response.reason_phrase)
    return ClientError(f"{said} (HTTP {response.status_code})", status=response.status_code, problem=problem)


def _seconds(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value <= 3600 else default
