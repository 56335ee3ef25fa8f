"""The public HTTP surface, version 1."""

from __future__ import annotations

import logging
from typing import Annotated, Any, NamedTuple

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter

from headway import codec
from headway.errors import EndedError, StoreFullError, TooLargeError, UnavailableError
from headway.records import TaskRecord
from headway.subjects import is_name
from headway_streamer.components import Components
from headway_streamer.frames.dialect import CELERY, THREE_WORDS
from headway_streamer.http.event_stream import EventStream
from headway_streamer.http.requests import (
    AnyRequest,
    CancelRequest,
    Submission,
    check_same_site,
    read_body,
    read_key,
    stream_request,
    task_parameters,
    wants_json,
)
from headway_streamer.problems import Problem, not_found
from headway_streamer.tasks.kinds import check_params, from_query, no_processor
from headway_streamer.tasks.listing import Filter, links, summary
from headway_streamer.tasks.store import WAITING
from headway_streamer.watch.admission import StreamRequest, parse, turned_away
from headway_streamer.watch.session import Session

MAX_REASON_CHARS = 500

_REASONS = {TooLargeError: "too_large", StoreFullError: "store_full", UnavailableError: "unavailable"}

logger = logging.getLogger(__name__)

CursorQuery = Annotated[str, QueryParameter(name="cursor", description="Where to go on; Last-Event-ID wins.")]
BeginQuery = Annotated[str, QueryParameter(name="from", description="Without a cursor: `start` (default) or `latest`.")]
MergeQuery = Annotated[str, QueryParameter(name="merge", description="`0` sends every tick, also to a slow client.")]
KeyQuery = Annotated[str, QueryParameter(name="key", description="Idempotency key: the same key, the same task.")]
CancelQuery = Annotated[
    str, QueryParameter(name="cancel_on_disconnect", description="`1` cancels when the client stays away.")
]


class Start(NamedTuple):
    """What a start-and-stream request runs. All query parameters that have no meaning here are the task's."""

    kind: str
    key: str
    cancels: bool
    """Whether the task is cancelled when its client stays away."""


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    """A JSON response that no cache keeps."""
    return Response(
        codec.encode_json(value),
        status_code=status,
        media_type=MediaType.JSON,
        headers={"Cache-Control": "no-store", "Vary": "Authorization, Cookie, Origin"} | (headers or {}),
    )


@get("/api/v1/kinds", tags=["kinds"], summary="What can be run, with JSON Schemas of the parameters")
async def list_kinds(core: NamedDependency[Components]) -> Response[bytes]:
    return answer({"kinds": await core.catalogue.offers()})


@post("/api/v1/tasks", tags=["tasks"], status_code=202, summary="Run a task: 202 only after its job is stored")
async def submit_task(
    request: AnyRequest,
    core: NamedDependency[Components],
    idempotency_key: Annotated[str, HeaderParameter(name="Idempotency-Key", description="Runs once.")] = "",
) -> Response[bytes]:
    submission = await read_body(request, Submission)
    return await _accept(core, submission.kind, submission.params, key=read_key(idempotency_key))


@get("/api/v1/tasks", tags=["tasks"], summary="The newest tasks")
async def list_tasks(
    core: NamedDependency[Components],
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    kind: FromQuery[str] = "",
    status: FromQuery[str] = "",
    since: Annotated[float, QueryParameter(description="Created after this time, seconds since 1970.")] = 0.0,
) -> Response[bytes]:
    return answer({"tasks": await core.listing.recent(Filter(limit, kind, status, since))})


@get("/api/v1/tasks/{task:str}", tags=["tasks"], summary="A task's latest state, for polling with If-None-Match")
async def get_task(request: AnyRequest, core: NamedDependency[Components], task: FromPath[str]) -> Response[bytes]:
    return await _snapshot(request, core, task)


@get("/api/v1/tasks/{task:str}/stream", tags=["streams"], summary="A task's events as Server-Sent Events")
async def stream_task(
    request: AnyRequest,
    core: NamedDependency[Components],
    task: FromPath[str],
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
) -> Response[Any]:
    if wants_json(request):
        return await _snapshot(request, core, task)
    return await _stream(core, stream_request(request, core.settings, [task], at, begin, merge))


@get("/api/v1/stream", tags=["streams"], summary="Several tasks on one connection")
async def stream_tasks(
    request: AnyRequest,
    core: NamedDependency[Components],
    task: Annotated[list[str], QueryParameter(name="task", description="Repeat it, once per task; at most 32.")],
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
) -> Response[Any]:
    most = core.settings.max_tasks_per_stream
    if len(set(task)) > most:
        raise Problem(400, "Too many tasks", f"One stream carries at most {most} tasks.")
    return await _stream(core, stream_request(request, core.settings, task, at, begin, merge))


@get("/tasks/{task:str}/stream", tags=["streams"], summary="A task's events with statuses in Celery's words")
async def stream_celery(
    request: AnyRequest,
    core: NamedDependency[Components],
    task: FromPath[str],
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
) -> Response[Any]:
    wish = stream_request(request, core.settings, [task], at, begin, merge)
    return await _stream(core, wish._replace(dialect=CELERY))


@get("/api/v1/process/stream", tags=["streams"], summary="Start a task and stream it, in one request")
async def process_stream(
    request: AnyRequest,
    core: NamedDependency[Components],
    kind: Annotated[str, QueryParameter(description="What to run; by default the streamer's `process_kind`.")] = "",
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
    key: KeyQuery = "",
    cancel_on_disconnect: CancelQuery = "0",
) -> Response[Any]:
    kind = kind or core.settings.process_kind
    if not kind:
        raise Problem(400, "Bad query", "Say what to run: `?kind=…`, or `/api/v1/process/{kind}/stream`.")
    start = Start(kind, read_key(key), cancel_on_disconnect == "1")
    return await _start_and_stream(request, core, start, stream_request(request, core.settings, [], at, begin, merge))


@get("/api/v1/process/{kind:str}/stream", tags=["streams"], summary="The same for clients that append to the URL")
async def process_kind_stream(
    request: AnyRequest,
    core: NamedDependency[Components],
    kind: FromPath[str],
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
    key: KeyQuery = "",
    cancel_on_disconnect: CancelQuery = "0",
) -> Response[Any]:
    start = Start(kind, read_key(key), cancel_on_disconnect == "1")
    return await _start_and_stream(request, core, start, stream_request(request, core.settings, [], at, begin, merge))


@post("/api/v1/tasks/{task:str}/cancel", tags=["tasks"], status_code=202, summary="Ask for a task to end")
async def cancel_task(request: AnyRequest, core: NamedDependency[Components], task: FromPath[str]) -> Response[bytes]:
    record = await _record(core, task)
    wanted = await read_body(request, CancelRequest) if await request.body() else CancelRequest()
    try:
        await core.intake.cancel(record.task, wanted.reason[:MAX_REASON_CHARS] or "cancelled by request")
    except EndedError as error:
        raise Problem(409, "Task has ended", f"The task is {error.status} already.") from error
    return answer({"task": record.task, "status": "cancelling"}, 202)


@post("/api/v1/tasks/{task:str}/retry", tags=["tasks"], status_code=202, summary="Run the same again as a new task")
async def retry_task(core: NamedDependency[Components], task: FromPath[str]) -> Response[bytes]:
    record = await _record(core, task)
    last = await core.history.last(record.task)
    if last is not None and not last.terminal:
        raise Problem(409, "Task still runs", "Cancel it first, or wait for its end.")
    params = codec.decode_json(bytes(record.params))
    return await _accept(core, record.kind, params, retry_of=record.task)


@get("/api/v1/tasks/{task:str}/result", tags=["tasks"], summary="The result of a completed task")
async def get_result(core: NamedDependency[Components], task: FromPath[str]) -> Response[bytes]:
    record = await _record(core, task)
    last = await core.history.last(record.task)
    if last is None or not last.terminal:
        raise Problem(409, "Not completed", "The task has no result yet.")
    state = summary(record, last)["state"]
    if state["status"] != "completed":
        raise Problem(409, "Not completed", f"The task ended as {state['status']}.")
    stored = await core.results.get(record.task)
    if stored is not None:
        return Response(stored, media_type=MediaType.JSON, headers={"Cache-Control": "no-store"})
    return answer(state.get("data"))


ROUTES = [
    list_kinds,
    submit_task,
    list_tasks,
    get_task,
    stream_task,
    stream_tasks,
    stream_celery,
    process_stream,
    process_kind_stream,
    cancel_task,
    retry_task,
    get_result,
]


async def _accept(core: Components, kind: str, params: Any, *, key: str = "", retry_of: str = "") -> Response[bytes]:
    record = await _submit(core, kind, params, key=key, retry_of=retry_of)
    processors = core.catalogue.counted[record.kind]  # as it was when the task was stored: no read may fail after that
    body = {"task": record.task, "kind": record.kind, "processors": processors, "links": links(record.task)}
    if not processors:
        body["warning"] = no_processor(record.kind)
    return answer(body, 202, {"Location": f"/api/v1/tasks/{record.task}"})


async def _submit(
    core: Components, kind: str, params: Any, *, key: str = "", retry_of: str = "", cancel_on_disconnect: bool = False
) -> TaskRecord:
    await _check(core, kind, params)
    encoded = codec.encode_params(params)
    codec.check_depth(encoded)
    processors = await core.catalogue.processors_of(kind)
    try:
        record, new = await core.intake.submit(
            kind,
            encoded,
            key=key,
            retry_of=retry_of,
            cancel_on_disconnect=cancel_on_disconnect,
            message=WAITING if processors else no_processor(kind),
        )
    except (TooLargeError, UnavailableError) as error:
        core.metrics.submit_refused(_REASONS[type(error)])
        raise
    if new:
        core.metrics.submitted(kind)
    return record


async def _start_and_stream(request: AnyRequest, core: Components, start: Start, wish: StreamRequest) -> Response[Any]:
    check_same_site(request, core.settings)
    task = _known(wish.cursor)
    if not task and core.drain.draining:
        return _rejected(core, "drain")
    if not task:
        try:
            task = await _started(request, core, start, head=wish.head)
        except StoreFullError:
            raise
        except UnavailableError as error:
            logger.warning("a task could not be started", extra={"action": "unavailable", "error": str(error)})
            return _rejected(core, "unavailable")
    if not task:
        return await _stream(core, wish)
    wish = wish._replace(tasks=(task,), named=True, dialect=THREE_WORDS)
    return await _stream(core, wish, starter=start.cancels)


async def _started(request: AnyRequest, core: Components, start: Start, *, head: bool) -> str:
    """The task that was started; none when only the headers are wanted."""
    params = from_query(await core.catalogue.kind(start.kind), task_parameters(request))
    if head:
        await _check(core, start.kind, params)
        return ""
    return (await _submit(core, start.kind, params, key=start.key, cancel_on_disconnect=start.cancels)).task


def _rejected(core: Components, reason: str) -> EventStream:
    """To a start-and-stream request: an EventSource never returns after an error status, but it does after this."""
    return EventStream(turned_away(reason), core.idle_timer, direct=core.settings.fast_path)


async def _check(core: Components, kind: str, params: Any) -> None:
    """A Problem when a task of `kind` with `params` cannot be started here now."""
    if core.drain.draining:
        raise Problem(503, "Service Unavailable", "This streamer shuts down. Try again.", headers={"Retry-After": "1"})
    check_params(await core.catalogue.kind(kind), params)


def _known(cursor: str) -> str:
    """The task in the cursor of a reconnect to a start-and-stream route."""
    known = parse(cursor) if cursor else None
    return known.task if known is not None else ""


async def _stream(core: Components, wish: StreamRequest, *, starter: bool = False) -> Response[Any]:
    session = await core.streams.open(wish)
    if session is None:
        return Response(None, status_code=204, headers={"Cache-Control": "no-store"})
    if starter and not wish.head:
        _show_presence(core, session, wish.tasks[0])
    return EventStream(session, core.idle_timer, direct=core.settings.fast_path)


def _show_presence(core: Components, session: Session, task: str) -> None:
    if session.watcher is None:
        core.presence.called(task)  # it was here, and was asked to come back
        return
    core.presence.arrived(task)
    session.on_close(lambda _: core.presence.left(task))


async def _snapshot(request: AnyRequest, core: Components, task: str) -> Response[bytes]:
    record = await _record(core, task)
    shown, cursor = await core.listing.task(record)
    etag = f'"{cursor}"'
    if etag in (tag.strip() for tag in request.headers.get("if-none-match", "").split(",")):
        return Response(b"", status_code=304, headers={"ETag": etag, "Cache-Control": "no-cache"})
    return answer(shown, headers={"ETag": etag, "Cache-Control": "no-cache"})


async def _record(core: Components, task: str) -> TaskRecord:
    record = await core.intake.record(task) if is_name(task) else None
    if record is None:
        raise not_found()
    return record
