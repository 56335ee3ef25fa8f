"""The routes that mint tokens for the query of an EventSource."""

from __future__ import annotations

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from headway.subjects import is_name
from headway_streamer import audit
from headway_streamer.access.access import Access
from headway_streamer.access.errors import ForbiddenError
from headway_streamer.access.principal import KINDS, READ, SUBMIT
from headway_streamer.api.models import StartToken, StreamToken, StreamTokenRequest
from headway_streamer.http.authentication import authorise
from headway_streamer.http.requests import AnyRequest, read_body, require_json
from headway_streamer.http.responses import json_response
from headway_streamer.http.streams import TaskStreams
from headway_streamer.http.tasks import visible_task
from headway_streamer.problems import not_found
from headway_streamer.tail.history import History
from headway_streamer.tasks.store import TaskStore


@post(
    "/api/v1/tasks/{task:str}/token",
    tags=["streams"],
    status_code=200,
    guards=[require_json],
    summary="Mint a stream token, for `?token=`",
)
async def mint_stream_token(
    request: AnyRequest,
    task_store: NamedDependency[TaskStore],
    access: NamedDependency[Access],
    history: NamedDependency[History],
    task_streams: NamedDependency[TaskStreams],
    task: FromPath[str],
) -> Response[bytes]:
    principal = authorise(request.scope, READ)
    wanted = await read_body(request, StreamTokenRequest) if await request.body() else StreamTokenRequest()
    tasks = sorted({task, *wanted.tasks})
    task_streams.check_number(tasks)
    for each in tasks:
        await visible_task(task_store, history, each, principal)
    token = access.stream_token(principal, tasks)
    if token:
        audit.note(request.scope, "stream_token_minted", tasks=tasks)
    return json_response(StreamToken(token))


@post(
    "/api/v1/kinds/{kind:str}/token",
    tags=["streams"],
    status_code=200,
    guards=[require_json],
    summary="Mint a token that starts one task",
)
async def mint_start_token(
    request: AnyRequest, access: NamedDependency[Access], kind: FromPath[str]
) -> Response[bytes]:
    principal = authorise(request.scope, SUBMIT)
    if not is_name(kind):
        raise not_found("There is no such kind.")
    if not principal.may_run(kind):
        raise ForbiddenError(KINDS + kind)
    token = access.start_token(principal, kind)
    if token:
        audit.note(request.scope, "start_token_minted", kind=kind)
    return json_response(StartToken(token))
