"""The routes of streams of tasks that exist."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get
from litestar.params import QueryParameter

from headway_streamer.frames.dialect import CELERY, NATIVE, Dialect
from headway_streamer.http.callers import Callers
from headway_streamer.http.event_stream import EventStreams
from headway_streamer.http.requests import (
    AnyRequest,
    stream_request,
    wants_json,
)
from headway_streamer.http.tasks import snapshot
from headway_streamer.problems import Problem
from headway_streamer.settings import Settings
from headway_streamer.tasks.listing import Listing
from headway_streamer.tasks.store import TaskStore

STATE = "task_streams"
"""Key of the application's state."""


class TaskStreams:
    """Answers requests for streams of tasks that exist.

    The handlers find it in the application's state, and the task in the scope: Litestar resolves dependencies and
    parameters again for each request, which takes a sixth of the time in which a stream is opened
    (`make bench-compare ONLY=new_streams`).
    """

    def __init__(self, settings: Settings, streams: EventStreams, task_store: TaskStore, listing: Listing) -> None:
        self._settings = settings
        self._streams = streams
        self._task_store = task_store
        self._listing = listing
        self._callers = Callers(settings)

    async def stream(self, request: AnyRequest, tasks: list[str], *, dialect: Dialect = NATIVE) -> Response[Any]:
        """Return the events of `tasks`. Raises a Problem."""
        self.check_number(tasks)
        wanted = stream_request(request, self._callers, tasks)
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
async def stream_task(request: AnyRequest) -> Response[Any]:
    task = _task(request)
    if wants_json(request):
        return await _streams(request).snapshot(request, task)
    return await _streams(request).stream(request, [task])


@get("/api/v1/stream", tags=["streams"], summary="Stream several tasks on one connection")
async def stream_tasks(
    request: AnyRequest,
    task: Annotated[
        list[str], QueryParameter(name="task", description="Repeated, once per task; at most 32 by default.")
    ],
) -> Response[Any]:
    return await _streams(request).stream(request, task)


@get("/tasks/{task:str}/stream", tags=["streams"], summary="Stream a task's events with Celery's names of states")
async def stream_celery(request: AnyRequest) -> Response[Any]:
    return await _streams(request).stream(request, [_task(request)], dialect=CELERY)


def _streams(request: AnyRequest) -> TaskStreams:
    found: TaskStreams = request.app.state[STATE]
    return found


def _task(request: AnyRequest) -> str:
    task: str = request.scope["path_params"]["task"]
    return task
