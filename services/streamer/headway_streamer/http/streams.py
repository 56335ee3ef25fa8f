"""The routes of streams of tasks that exist."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from headway_streamer.frames.dialect import CELERY
from headway_streamer.http.event_stream import EventStreams
from headway_streamer.http.requests import (
    AnyRequest,
    BeginQuery,
    CursorQuery,
    MergeQuery,
    stream_request,
    wants_json,
)
from headway_streamer.http.tasks import snapshot
from headway_streamer.problems import Problem
from headway_streamer.settings import Settings
from headway_streamer.tasks.listing import Listing
from headway_streamer.tasks.store import TaskStore


@get("/api/v1/tasks/{task:str}/stream", tags=["streams"], summary="Stream a task's events as Server-Sent Events")
async def stream_task(
    request: AnyRequest,
    settings: NamedDependency[Settings],
    streams: NamedDependency[EventStreams],
    task_store: NamedDependency[TaskStore],
    listing: NamedDependency[Listing],
    task: FromPath[str],
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
) -> Response[Any]:
    if wants_json(request):
        return await snapshot(request, task_store, listing, task)
    return await streams.open(stream_request(request, settings, [task], at, begin, merge))


@get("/api/v1/stream", tags=["streams"], summary="Stream several tasks on one connection")
async def stream_tasks(
    request: AnyRequest,
    settings: NamedDependency[Settings],
    streams: NamedDependency[EventStreams],
    task: Annotated[
        list[str], QueryParameter(name="task", description="Repeated, once per task; at most 32 by default.")
    ],
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
) -> Response[Any]:
    most = settings.max_tasks_per_stream
    if len(set(task)) > most:
        raise Problem(400, "Too many tasks", f"One stream carries at most {most} tasks.")
    return await streams.open(stream_request(request, settings, task, at, begin, merge))


@get("/tasks/{task:str}/stream", tags=["streams"], summary="Stream a task's events with Celery's names of states")
async def stream_celery(
    request: AnyRequest,
    settings: NamedDependency[Settings],
    streams: NamedDependency[EventStreams],
    task: FromPath[str],
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
) -> Response[Any]:
    wanted = stream_request(request, settings, [task], at, begin, merge)
    return await streams.open(wanted._replace(dialect=CELERY))
