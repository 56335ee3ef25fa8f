"""The routes that start a task and stream it in one request."""

from __future__ import annotations

import logging
from typing import Annotated, Any, NamedTuple

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from headway.errors import StoreFullError, UnavailableError
from headway_streamer.access.origins import Origins
from headway_streamer.frames.dialect import THREE_WORDS
from headway_streamer.http.authentication import START_KEY
from headway_streamer.http.callers import Callers
from headway_streamer.http.event_stream import EventStreams
from headway_streamer.http.requests import (
    AnyRequest,
    read_key,
    stream_request,
    task_parameters,
)
from headway_streamer.http.start_policy import check_start
from headway_streamer.http.submission import Submissions, note
from headway_streamer.limits.limits import LimitedError
from headway_streamer.problems import Problem
from headway_streamer.settings import Settings
from headway_streamer.tasks.kinds import KindCatalogue
from headway_streamer.tasks.labels import labels_from_query
from headway_streamer.tasks.params import from_query
from headway_streamer.watch.admission import StreamRequest, parse_cursor
from headway_streamer.watch.drain import Drain

logger = logging.getLogger(__name__)

KeyQuery = Annotated[str, QueryParameter(name="key", description="Idempotency key: the same key, the same task.")]
CancelQuery = Annotated[
    str,
    QueryParameter(name="cancel_on_disconnect", description="`1` cancels the task when the client does not reconnect."),
]


class StartRequest(NamedTuple):
    """A task to start. All query parameters without a meaning of their own are parameters of the task."""

    kind: str
    key: str
    cancel_on_disconnect: bool
    once: bool
    """Whether the key is that of a start token: the task is the one that it has started, whatever a cursor names."""
    query: dict[str, list[str]]
    """Values by name, as they stand in the query: the parameters, and title and tags."""
    scope: Any
    """The ASGI scope of the request."""


class StartAndStream:
    """Answers start-and-stream requests."""

    def __init__(
        self,
        settings: Settings,
        kinds: KindCatalogue,
        submissions: Submissions,
        streams: EventStreams,
        drain: Drain,
    ) -> None:
        self.settings = settings
        self.callers = Callers(settings)
        self.origins = Origins(settings.cors_origins)
        self._kinds = kinds
        self._submissions = submissions
        self._streams = streams
        self._drain = drain

    async def respond(self, start: StartRequest, wanted: StreamRequest) -> Response[Any]:
        """Stream the task of the cursor, or start one. An EventSource never reconnects after an error status, so what
        may pass by itself is answered with a stream that ends at once.
        """
        named = _task_of(wanted.cursor)
        task = "" if start.once else named
        if not task and self._drain.draining:
            return self._streams.reject("drain")
        if not task:
            try:
                task = await self._start(start, wanted)
            except StoreFullError:
                raise
            except LimitedError as error:
                return self._streams.reject("limit", error.seconds)
            except UnavailableError as error:
                logger.warning("a task could not be started", extra={"action": "unavailable", "error": str(error)})
                return self._streams.reject("unavailable")
        if not task:
            return await self._streams.open(wanted)
        cursor = wanted.cursor if named in ("", task) else ""
        wanted = wanted._replace(tasks=(task,), cursor=cursor, named=True, dialect=THREE_WORDS)
        return await self._streams.open(wanted, starter=start.cancel_on_disconnect)

    async def _start(self, start: StartRequest, wanted: StreamRequest) -> str:
        """The id of the task that was started; empty if only the headers are wanted."""
        kind = await self._kinds.kind(start.kind)
        labels, given = labels_from_query(kind, start.query)
        params = from_query(kind, given)
        if wanted.head:
            await self._submissions.check(wanted.principal, start.kind, params)
            return ""
        submitted = await self._submissions.submit(
            wanted.principal,
            start.kind,
            params,
            caller=wanted.caller,
            key=start.key,
            labels=labels,
            join=True,  # a browser that starts what already runs is to see it
            cancel_on_disconnect=start.cancel_on_disconnect,
        )
        note(start.scope, submitted)
        return submitted.record.task


@get("/api/v1/process/stream", tags=["streams"], summary="Start a task and stream it, in one request")
async def process_stream(
    request: AnyRequest,
    start_and_stream: NamedDependency[StartAndStream],
    kind: Annotated[
        str, QueryParameter(description="Kind of the task; by default the streamer's `process_kind`.")
    ] = "",
    key: KeyQuery = "",
    cancel_on_disconnect: CancelQuery = "0",
) -> Response[Any]:
    check_start(request, start_and_stream.origins)
    settings = start_and_stream.settings
    kind = kind or settings.process_kind
    if not kind:
        raise Problem(400, "Bad query", "Name the kind: `?kind=…`, or `/api/v1/process/{kind}/stream`.")
    wanted = stream_request(request, start_and_stream.callers, [])
    return await start_and_stream.respond(_read_start(request, kind, key, cancel_on_disconnect), wanted)


@get("/api/v1/process/{kind:str}/stream", tags=["streams"], summary="The same, for clients that append to the URL")
async def process_kind_stream(
    request: AnyRequest,
    start_and_stream: NamedDependency[StartAndStream],
    kind: FromPath[str],
    key: KeyQuery = "",
    cancel_on_disconnect: CancelQuery = "0",
) -> Response[Any]:
    check_start(request, start_and_stream.origins)
    wanted = stream_request(request, start_and_stream.callers, [])
    return await start_and_stream.respond(_read_start(request, kind, key, cancel_on_disconnect), wanted)


def _read_start(request: AnyRequest, kind: str, key: str, cancel: str) -> StartRequest:
    if cancel not in ("0", "1"):
        raise Problem(400, "Bad query", "`cancel_on_disconnect` is `0` or `1`.")
    only_key: str = request.scope.get(START_KEY, "")  # type: ignore[assignment]
    params = task_parameters(request)
    return StartRequest(kind, only_key or read_key(key), cancel == "1", bool(only_key), params, request.scope)


def _task_of(cursor: str) -> str:
    """The task in the cursor of a reconnect; empty if there is none."""
    known = parse_cursor(cursor) if cursor else None
    return known.task if known is not None else ""
