"""Tasks as the API shows them: the record, and the latest state from the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, NamedTuple

from headway import codec
from headway.eventlog.log import Log
from headway.records import TaskRecord
from headway_streamer.api.models import Links
from headway_streamer.frames.cursor import encode
from headway_streamer.frames.frame import Frame
from headway_streamer.problems import not_found
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tasks.page_cursor import Place
from headway_streamer.tasks.task_filter import Filter, micros
from headway_streamer.tasks.task_index import TaskIndex
from headway_streamer.tasks.task_states import TaskStates
from headway_streamer.tasks.task_table import Row

CHUNK = 64
"""Tasks whose states are read at once: the client takes 2 ms for their events, without a pause."""
SEARCH_SECONDS = 1.5
"""How long a search may take before it is answered with what it has found."""


Seen = Callable[[TaskRecord], bool]
"""Whether a caller sees a task."""


class Found(NamedTuple):
    """What a search has found."""

    tasks: list[dict[str, Any]]
    searched_until: float | None
    """Older tasks than this, seconds since 1970, were not searched; None if all were."""
    after: Place | None = None
    """Where the next page begins; None if this is the last one."""


def links(task: str) -> Links:
    """Paths of the routes of a task."""
    base = f"/api/v1/tasks/{task}"
    return Links(base, f"{base}/stream", f"{base}/cancel", f"{base}/retry", f"{base}/result")


def summary(record: TaskRecord, frame: Frame | None) -> dict[str, Any]:
    """A task as it is listed: `state` is its latest progress, or None before the first."""
    shown: dict[str, Any] = {"task": record.task, "kind": record.kind, "created": record.created}
    if record.retry_of:
        shown["retry_of"] = record.retry_of
    for field in ("title", "tags", "parent", "reported", "run_at"):
        if value := getattr(record, field):
            shown[field] = value
    state = None if frame is None else codec.decode_json(frame.payload)
    return shown | {"state": state, "links": links(record.task)}


class Listing:
    """Reads tasks for the API. Methods raise UnavailableError."""

    def __init__(self, index: TaskIndex, states: TaskStates, log: Log, history: History, decoder: FrameDecoder) -> None:
        self._index = index
        self._states = states
        self._log = log
        self._history = history
        self._decoder = decoder

    async def task(self, record: TaskRecord) -> tuple[dict[str, Any], str]:
        """A task with its parameters and cursor, and the cursor, which changes with each event.

        Raises the Problem of an unknown task for one that is deleted.
        """
        last = await self._history.last(record.task)
        if last is not None and last.deleted:
            raise not_found()
        state = None if last is None else await self._history.progress(record.task, last)
        cursor = "" if last is None else encode(self._decoder.incarnation, [last.position])
        shown = summary(record, state) | {"params": record.params, "cursor": cursor}
        return shown, cursor

    async def recent(self, wanted: Filter, seen: Seen = lambda _: True) -> list[dict[str, Any]]:
        """The newest tasks first, of those that are `seen`."""
        return (await self.search(wanted, seen)).tasks

    async def search(self, wanted: Filter, seen: Seen = lambda _: True) -> Found:
        """As `recent`, and where the next page begins. Raises UnavailableError."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + SEARCH_SECONDS
        found: list[dict[str, Any]] = []
        async with aclosing(self._index.search(wanted)) as batches:
            async for batch in batches:
                rows = batch.rows
                if wanted.statuses:
                    rows = [row for row in await self._states.settle(rows) if row.status in wanted.statuses]
                found += await self._shown(rows, wanted, seen, wanted.limit + 1 - len(found))
                if len(found) > wanted.limit:
                    shown, more = found[: wanted.limit], found[wanted.limit]
                    last = shown[-1]
                    return Found(shown, more["created"], Place(micros(last["created"]), last["task"]))
                if clock() > deadline and not batch.last:
                    return Found(found, batch.place.created / 1e6, batch.place)
        return Found(found, None)

    async def _shown(self, rows: list[Row], wanted: Filter, seen: Seen, count: int) -> list[dict[str, Any]]:
        """The first of `rows`, at most `count`, as the log has them now: whatever the index knows of their states."""
        found: list[dict[str, Any]] = []
        size = min(count, CHUNK)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            frames, deleted = await self._frames([row.task for row in part])
            if deleted:
                await self._index.forget([row for row in part if row.task in deleted])
            for row in part:
                record = row.record()
                if row.task in frames and seen(record):
                    shown = summary(record, frames[row.task])
                    if not wanted.statuses or (shown["state"] or {}).get("status") in wanted.statuses:
                        found.append(shown)
            if len(found) >= count:
                break
        return found[:count]

    async def _frames(self, tasks: list[str]) -> tuple[dict[str, Frame | None], set[str]]:
        """The latest progress of the tasks that have a log, and the tasks that are deleted."""
        stored, _ = await self._log.lasts(tasks)
        frames: dict[str, Frame | None] = {}
        deleted = set()
        for item in stored:
            last = await self._history.readable(item)
            if last is not None and last.deleted:
                deleted.add(item.task)
            else:
                frames[item.task] = None if last is None else await self._history.progress(item.task, last)
        return frames, deleted
