"""The routes of tasks: submit, list, get, cancel, retry, delete, result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from litestar import MediaType, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter
from msgspec import UNSET

from headway.errors import EndedError, NotEndedError, UnavailableError
from headway.events import DELETED
from headway.records import MAX_SECONDS, TaskRecord
from headway.subjects import is_name
from headway_streamer import audit
from headway_streamer.access.principal import CANCEL, DELETE, READ, SUBMIT, Principal
from headway_streamer.api.models import (
    AcceptedTask,
    CancelledTask,
    CancelRequest,
    DeletedTask,
    RetryRequest,
    Submission,
)
from headway_streamer.frames.frame import Frame
from headway_streamer.http.authentication import authorise, principal_of
from headway_streamer.http.requests import AnyRequest, read_body, read_key, require_json
from headway_streamer.http.responses import json_response
from headway_streamer.http.submission import Submissions, Submitted, note
from headway_streamer.problems import Problem, not_found
from headway_streamer.tail.history import History
from headway_streamer.tasks.kinds import no_processor
from headway_streamer.tasks.labels import read_labels
from headway_streamer.tasks.listing import Listing, links, summary
from headway_streamer.tasks.page_cursor import decode_place, encode_place
from headway_streamer.tasks.ports import Results
from headway_streamer.tasks.store import TaskStore
from headway_streamer.tasks.task_filter import Filter, Scope

MAX_REASON_CHARS = 500
MAX_VALUES = 32
"""How often a parameter of a list may be repeated."""
MAX_TEXT_CHARS = 200

Several = FromQuery[Sequence[str]]


@post(
    "/api/v1/tasks",
    tags=["tasks"],
    status_code=202,
    summary="Submit a task: 202 only after its job is stored",
    guards=[require_json],
)
async def submit_task(
    request: AnyRequest,
    submissions: NamedDependency[Submissions],
    idempotency_key: Annotated[
        str, HeaderParameter(name="Idempotency-Key", description="The same key, the same task.")
    ] = "",
) -> Response[bytes]:
    submission = await read_body(request, Submission)
    key = read_key(idempotency_key)
    principal = authorise(request.scope, SUBMIT)
    caller = submissions.callers.of(request.scope, principal)
    return accepted(
        request,
        submissions,
        await submissions.submit(
            principal,
            submission.kind,
            submission.params,
            caller=caller,
            key=key,
            labels=read_labels(submission.title, submission.tags),
            unique=submission.unique,
            join=submission.on_conflict == "join",
            run_at=submission.run_at,
        ),
    )


@get("/api/v1/tasks", tags=["tasks"], summary="List tasks")
async def list_tasks(
    request: AnyRequest,
    listing: NamedDependency[Listing],
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    kind: Several = (),
    status: Several = (),
    tag: Several = (),
    text: FromQuery[str] = "",
    since: Annotated[float, QueryParameter(description="Created after this time, seconds since 1970.")] = 0.0,
    before: Annotated[float, QueryParameter(description="Created until this time, seconds since 1970.")] = math.inf,
    owner: FromQuery[str] = "",
    parent: FromQuery[str] = "",
    cursor: FromQuery[str] = "",
) -> Response[bytes]:
    principal = authorise(request.scope, READ)
    if not before < MAX_SECONDS:
        before = math.inf
    wanted = Filter(
        limit=limit,
        kinds=_named(kind),
        statuses=_named(status),
        tags=_named(tag),
        text=_bounded("text", text),
        since=since,
        before=max(before, 0.0),
        owner=owner,
        parent=parent,
        after=decode_place(cursor) if cursor else None,
        scope=None if (visible := principal.visible) is None else Scope(*visible),
    )
    found = await listing.search(wanted, principal.sees)
    next_page = encode_place(found.after) if found.after is not None else None
    return json_response({"tasks": found.tasks, "searched_until": found.searched_until, "cursor": next_page})


@get("/api/v1/tasks/{task:str}", tags=["tasks"], summary="Get a task's latest state, for polling with If-None-Match")
async def get_task(
    request: AnyRequest,
    task_store: NamedDependency[TaskStore],
    listing: NamedDependency[Listing],
    task: FromPath[str],
) -> Response[bytes]:
    return await snapshot(request, task_store, listing, task)


@post(
    "/api/v1/tasks/{task:str}/cancel",
    tags=["tasks"],
    status_code=202,
    summary="Request that a task ends",
    guards=[require_json],
)
async def cancel_task(
    request: AnyRequest, task_store: NamedDependency[TaskStore], task: FromPath[str]
) -> Response[bytes]:
    record = await visible_record(task_store, task, authorise(request.scope, CANCEL))
    wanted = await read_body(request, CancelRequest) if await request.body() else CancelRequest()
    reason = wanted.reason[:MAX_REASON_CHARS] or "cancelled by request"
    try:
        await task_store.cancel(record.task, reason)
    except EndedError as error:
        if error.status == DELETED:
            raise not_found() from error
        raise Problem(409, "Task has ended", f"The task is already {error.status}.") from error
    audit.note(request.scope, "task_cancelled", task=record.task, kind=record.kind)
    with suppress(UnavailableError):  # the task itself is cancelled
        await task_store.queue_cancelled(record)
        await task_store.cancel_parts(record, reason)
    return json_response(CancelledTask(record.task), 202)


@post(
    "/api/v1/tasks/{task:str}/retry",
    tags=["tasks"],
    status_code=202,
    summary="Resubmit a task as a new one",
    guards=[require_json],
)
async def retry_task(
    request: AnyRequest,
    task_store: NamedDependency[TaskStore],
    history: NamedDependency[History],
    submissions: NamedDependency[Submissions],
    task: FromPath[str],
) -> Response[bytes]:
    principal = authorise(request.scope, SUBMIT)
    record, last = await visible_task(task_store, history, task, principal)
    if record.reported:
        raise Problem(409, "Task cannot be retried", "No processor runs it: start it again where it was started.")
    if last is not None and not last.terminal:
        raise Problem(409, "Task is still running", "Cancel it first, or wait for its end.")
    wanted = await read_body(request, RetryRequest) if await request.body() else RetryRequest()
    if wanted.resume and wanted.params is not UNSET:
        raise Problem(422, "Not together", "A task with other parameters begins from the start: leave out `resume`.")
    caller = submissions.callers.of(request.scope, principal)
    return accepted(
        request,
        submissions,
        await submissions.retry(principal, record, wanted, caller=caller),
    )


@get("/api/v1/tasks/{task:str}/result", tags=["tasks"], summary="Get the result of a completed task")
async def get_result(
    request: AnyRequest,
    task_store: NamedDependency[TaskStore],
    history: NamedDependency[History],
    results: NamedDependency[Results],
    task: FromPath[str],
) -> Response[bytes]:
    record, last = await visible_task(task_store, history, task, authorise(request.scope, READ))
    if last is None or not last.terminal:
        raise Problem(409, "Not completed", "The task has no result yet.")
    state = summary(record, last)["state"]
    if state["status"] != "completed":
        raise Problem(409, "Not completed", f"The task ended as {state['status']}.")
    stored = await results.get(record.task)
    if stored is not None:
        return Response(stored, media_type=MediaType.JSON, headers={"Cache-Control": "no-store"})
    return json_response(state.get("data"))


@delete("/api/v1/tasks/{task:str}", tags=["tasks"], status_code=202, summary="Delete a task that has ended")
async def delete_task(
    request: AnyRequest, task_store: NamedDependency[TaskStore], task: FromPath[str]
) -> Response[bytes]:
    principal = authorise(request.scope, DELETE)
    record = await visible_record(task_store, task, principal)
    try:
        await task_store.delete(record.task)
    except NotEndedError as error:
        raise Problem(409, "Task has not ended", "Cancel it first, or wait for its end.") from error
    audit.note(request.scope, "task_deleted", task=record.task, kind=record.kind)
    return json_response(DeletedTask(record.task), 202)


async def snapshot(request: AnyRequest, task_store: TaskStore, listing: Listing, task: str) -> Response[bytes]:
    """Return the latest state of `task`, or 304 if the client has it. Raises a Problem for an unknown task."""
    record = await visible_record(task_store, task, authorise(request.scope, READ))
    state, cursor = await listing.task(record)
    etag = f'"{cursor}"'
    if etag in (tag.strip() for tag in request.headers.get("if-none-match", "").split(",")):
        return Response(b"", status_code=304, headers={"ETag": etag, "Cache-Control": "no-cache"})
    return json_response(state, headers={"ETag": etag, "Cache-Control": "no-cache"})


async def visible_record(task_store: TaskStore, task: str, principal: Principal) -> TaskRecord:
    """The record of a task. Raises a Problem, the same for a task that does not exist and one that may not be seen."""
    record = await task_store.record(task) if is_name(task) else None
    if record is None or not principal.sees(record):
        raise not_found()
    return record


async def visible_task(
    task_store: TaskStore, history: History, task: str, principal: Principal
) -> tuple[TaskRecord, Frame | None]:
    """The record of a task and its last event. Raises the Problem of an unknown task also for a deleted one."""
    record = await visible_record(task_store, task, principal)
    last = await history.last(record.task)
    if last is not None and last.deleted:
        raise not_found()
    return record, last


def _named(values: Sequence[str]) -> tuple[str, ...]:
    """The values of a repeated parameter; an empty one asks for nothing. Raises a Problem."""
    if len(values) > MAX_VALUES:
        raise Problem(400, "Bad query", f"A parameter may be repeated {MAX_VALUES} times.")
    return tuple(dict.fromkeys(filter(None, values)))


def _bounded(name: str, value: str) -> str:
    if len(value) > MAX_TEXT_CHARS:
        raise Problem(400, "Bad query", f"`{name}` has at most {MAX_TEXT_CHARS} characters.")
    return value


def accepted(request: AnyRequest, submissions: Submissions, submitted: Submitted) -> Response[bytes]:
    task, kind = submitted.record.task, submitted.record.kind
    note(request.scope, submitted)
    token = submissions.stream_token(principal_of(request.scope), task)
    if token:
        audit.note(request.scope, "stream_token_minted", tasks=[task])
    accepted = AcceptedTask(task, kind, submitted.processors, links(task), stream_token=token)
    if submitted.record.run_at is not None:
        accepted.run_at = submitted.record.run_at
    if not submitted.processors:
        accepted.warning = no_processor(kind)
    return json_response(accepted, 202, {"Location": f"/api/v1/tasks/{task}"})
