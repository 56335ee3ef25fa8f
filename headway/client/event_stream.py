"""Watch tasks over Server-Sent Events, across lost connections. Used by `headway.client`.

`Stream` has the rules and does no I/O; `async_events` and `sync_events` read one connection for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

import httpx
import msgspec

from headway.client.answer import STREAMER, reason, refusal, shown
from headway.client.backoff import Backoff, is_fatal, retry_after
from headway.client.calls import task_path
from headway.client.sse_parser import Parser, ServerSentEvent
from headway.errors import ClientError
from headway.events import TERMINAL

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
"""Interval of a streamer's heartbeats, until its `hello` gives another. After three missed ones it has stalled."""
CONNECT_SECONDS = 10.0
NOT_ENDED = "The task continues: watch it again, or cancel it."

OnDrop = Callable[[str, float], None]
"""Called when a stream is lost, with the reason and the seconds until the next try."""


class Watched(msgspec.Struct, frozen=True):
    """One event of a stream."""

    event: str
    """progress, chunk, aside, log, cancel; or of the streamer itself: hello, reset, stalled, resumed, goodbye."""
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
    """The state of one `watch` across its connections: the cursor, the open tasks, the back-off, the limits of time.

    `clock` returns seconds. With `patience_seconds` it gives up when it was without a connection for this long, with
    `timeout_seconds` when this long has passed since it was made.
    """

    def __init__(
        self,
        tasks: tuple[str, ...],
        cursor: str | None = None,
        *,
        merge: bool = True,
        patience_seconds: float | None = None,
        timeout_seconds: float | None = None,
        on_drop: OnDrop | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not tasks:
            raise ClientError("name at least one task to watch")
        self._cursor = cursor or ""
        if not (self._cursor.isascii() and self._cursor.isprintable()):
            raise ClientError(f"{cursor!r} is not a cursor of a streamer")
        self.backoff = Backoff()
        self.settled = False
        self._tasks = frozenset(tasks)
        self._open = set(tasks)
        self._silence_seconds = 3 * HEARTBEAT_SECONDS
        self.path = "/api/v1/stream" if len(self._tasks) > 1 else task_path(tasks[0], "/stream")
        self._query = [("task", task) for task in sorted(self._tasks)] if len(self._tasks) > 1 else []
        if not merge:
            self._query.append(("merge", "0"))
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._timeout_seconds = timeout_seconds
        self._deadline = None if timeout_seconds is None else clock() + timeout_seconds
        self._on_drop = on_drop
        self._cut_at: float | None = None
        self._parser = Parser(self._cursor)

    def request(self) -> dict[str, Any]:
        """Begin a connection: the arguments of httpx's `stream`."""
        self._parser = Parser(self._cursor)
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._cursor:
            headers["Last-Event-ID"] = self._cursor
        timeout = httpx.Timeout(min(CONNECT_SECONDS, self.read_seconds()), read=self.read_seconds())
        return {"params": self._query, "headers": headers, "timeout": timeout}

    def read_seconds(self) -> float:
        """How long the next bytes may take. Raises ClientError when the time is over."""
        return min(self._silence_seconds, self._left_seconds())

    def _left_seconds(self) -> float:
        if self._deadline is None:
            return inf
        if (left := self._deadline - self._clock()) <= 0:
            raise ClientError(f"not ended after {self._timeout_seconds:g} s", hint=NOT_ENDED)
        return left

    def accepts(self, response: httpx.Response) -> bool:
        """Whether events follow; the body of an error was read. Raises StreamLost and ClientError."""
        if response.status_code == 204:
            self.settled = True
            return False
        if is_fatal(response.status_code):
            raise refusal(response)
        if response.status_code != 200:
            floor = retry_after(response.headers.get("retry-after", ""))
            raise StreamLost(f"the server answered {response.status_code}", floor)
        type = response.headers.get("content-type", "")
        if not type.startswith("text/event-stream"):
            raise ClientError(f"{shown(response)} is not an event stream but {type or 'of no type'}: {STREAMER}")
        return True

    def take(self, chunk: bytes) -> Iterator[Watched]:
        """The events that a chunk completes, up to the one that settles the stream. Raises ClientError."""
        events = self._parser.feed(chunk)
        if self._parser.retry_ms is not None:
            self.backoff.floor_seconds = self._parser.retry_ms / 1000
        for event in events:
            try:
                watched = self._decoded(event)
            except RecursionError:  # older streamers accepted such parameters
                logger.warning("an event is nested too deeply and is skipped", extra={"action": "event_deep"})
                continue
            self._learn(watched)
            yield watched
            if self.settled:
                return
        self._cursor = self._parser.last_id

    @contextmanager
    def losses(self) -> Iterator[None]:
        """What ends a connection, as StreamLost, or ClientError where another one would not help."""
        try:
            yield
        except TimeoutError as error:
            self.read_seconds()
            raise StreamLost(f"no heartbeat for {self._silence_seconds:g} s") from error
        except httpx.TransportError as error:
            raise StreamLost(reason(error)) from error
        except httpx.RequestError as error:
            raise ClientError(reason(error)) from error
        if not self.settled:
            raise StreamLost("the stream ended")

    def pause(self, lost: StreamLost) -> float:
        """The seconds until the next connection. Raises ClientError when it has lasted for too long."""
        pause = self.backoff.next(lost.floor_seconds)
        now = self._clock()
        self._cut_at = now if self._cut_at is None else self._cut_at
        if self._patience_seconds is not None and now + pause - self._cut_at > self._patience_seconds:
            raise ClientError(
                f"cut off for {self._patience_seconds:g} s: {lost.reason}",
                hint="The task continues: watch it again when the streamer can be reached.",
            )
        pause = min(pause, self._left_seconds())
        if self._on_drop is not None:
            self._on_drop(lost.reason, pause)
        return pause

    def _decoded(self, event: ServerSentEvent) -> Watched:
        try:
            data = msgspec.json.decode(event.data, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise ClientError(f"the server sent an event that is not a JSON object: {error}") from error
        return Watched("progress" if event.event == "message" else event.event, data, event.id, event.data)

    def _learn(self, watched: Watched) -> None:
        self._cut_at = None
        if watched.event != "goodbye":  # it may be all that an overloaded streamer sends
            self.backoff.attempts = 0
        if watched.event == "hello":
            self._silence_seconds = 3 * _seconds(watched.data.get("heartbeat_seconds"), HEARTBEAT_SECONDS)
        elif watched.event == "reset":
            self._open |= self._tasks & {watched.task}
        elif watched.terminal:
            self._open.discard(watched.task)
        self.settled = not self._open


async def async_events(
    http: httpx.AsyncClient, stream: Stream, auth: httpx.Auth | None = None
) -> AsyncGenerator[Watched, None]:
    """Yield the events of one connection. Ends when all tasks have ended, else raises StreamLost or ClientError."""
    with stream.losses():
        async with http.stream("GET", stream.path, auth=auth, **stream.request()) as response:
            if is_fatal(response.status_code):
                await response.aread()
            if not stream.accepts(response):
                return
            chunks = response.aiter_bytes()
            while not stream.settled and (chunk := await _next(chunks, stream.read_seconds())) is not None:
                for event in stream.take(chunk):
                    yield event


async def _next(chunks: AsyncIterator[bytes], seconds: float) -> bytes | None:
    async with asyncio.timeout(seconds):
        return await anext(chunks, None)


def sync_events(http: httpx.Client, stream: Stream, auth: httpx.Auth | None = None) -> Generator[Watched, None, None]:
    """The same without asyncio. The interval of a `hello` holds from the next connection on: httpx reads it once."""
    with stream.losses(), http.stream("GET", stream.path, auth=auth, **stream.request()) as response:
        if is_fatal(response.status_code):
            response.read()
        if not stream.accepts(response):
            return
        for chunk in response.iter_bytes():
            yield from stream.take(chunk)
            if stream.settled:
                return
            stream.read_seconds()  # raises when the time is over


def _seconds(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value <= 3600 else default
