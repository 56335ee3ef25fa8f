"""The routes of streams of tasks that exist."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from headway_streamer.frames.dialect import CELERY, NATIVE, Dialect
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


class TaskStreams:
    """Answers requests for streams of tasks that exist.

    One object for all that the handlers use: Litestar resolves each dependency of a handler again for each request.
    With four of them streams were opened at 0.7 times the rate (`make bench-compare ONLY=new_streams`).
    """

    def __init__(self, settings: Settings, streams: EventStreams, task_store: TaskStore, listing: Listing) -> None:
        self._settings = settings
        self._streams = streams
        self._task_store = task_store
        self._listing = listing

    async def stream(
        self, request: AnyRequest, tasks: list[str], at: str, begin: str, merge: str, *, dialect: Dialect = NATIVE
    ) -> Response[Any]:
        """Return the events of `tasks`. Raises a Problem."""
        self.check_number(tasks)
        wanted = stream_request(request, self._settings, tasks, at, begin, merge)
        return await self._streams.open(wanted if dialect is NATIVE else wanted._replace(dialect=dialect))

    def check_number(self, tasks: list[str]) -> None:
        """Raise a Problem if one stream cannot carry all of `tasks`."""
        most = self._settings.max_tasks_per_stream
        if len(set(tasks)) > most:
            raise Problem(400, "Too many tasks", f"One stream carries at most {most} tasks.")

    async def snapshot(self, request: AnyRequest, task: str) -> Response[Any]:
        """Return the latest state of `task`. Raises a Problem."""
        return await snapshot(request, self._task_store, self._listing, task)


@get("/api/v1/tasks/{task:str}/stream", tags=["streams"], summary="Stream a task's events as Server-Sent Events")
async def stream_task(
    request: AnyRequest,
    task_streams: NamedDependency[TaskStreams],
    task: FromPath[str],
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
) -> Response[Any]:
    if wants_json(request):
        return await task_streams.snapshot(request, task)
    return await task_streams.stream(request, [task], at, begin, merge)


@get("/api/v1/stream", tags=["streams"], summary="Stream several tasks on one connection")
async def stream_tasks(
    request: AnyRequest,
    task_streams: NamedDependency[TaskStreams],
    task: Annotated[
        list[str], QueryParameter(name="task", description="Repeated, once per task; at most 32 by default.")
    ],
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
) -> Response[Any]:
    return await task_streams.stream(request, task, at, begin, merge)


@get("/tasks/{task:str}/stream", tags=["streams"], summary="Stream a task's events with Celery's names of states")
async def stream_celery(
    request: AnyRequest,
    task_streams: NamedDependency[TaskStreams],
    task: FromPath[str],
    at: CursorQuery = "",
    begin: BeginQuery = "start",
    merge: MergeQuery = "1",
) -> Response[Any]:
    return await task_streams.stream(request, [task], at, begin, merge, dialect=CELERY)
