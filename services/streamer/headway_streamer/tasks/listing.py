"""Tasks as the API shows them: the record, and the latest state from the log."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from headway import codec
from headway.errors import MalformedEventError
from headway.eventlog.log import Log
from headway.records import TaskRecord, decode_task
from headway_streamer.api.models import Links
from headway_streamer.frames.cursor import encode
from headway_streamer.frames.frame import Frame
from headway_streamer.problems import not_found
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tasks.page_cursor import Place
from headway_streamer.tasks.ports import KeyValues

MAX_PAGES = 10
MAX_READS = 400
"""Pages of one search, those included that hold only newer tasks than wanted."""
SKEW_SECONDS = 5.0
"""How far the clocks of streamers, which say when tasks were created, and of NATS may differ."""


class Filter(msgspec.Struct, frozen=True):
    """Which tasks to list."""

    limit: int = 50
    kinds: tuple[str, ...] = ()
    """One of these; empty for any."""
    statuses: tuple[str, ...] = ()
    """One of these; empty for any."""
    tags: tuple[str, ...] = ()
    """All of these."""
    text: str = ""
    """In the title, kind, id or a tag, in upper or lower case."""
    since: float = 0.0
    """Seconds since 1970: only tasks created later."""
    before: float = math.inf
    """Seconds since 1970: only tasks created then or earlier."""
    owner: str = ""
    after: Place | None = None
    """Only tasks behind this place of the list."""


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
    for field in ("title", "tags", "parent", "reported"):
        if value := getattr(record, field):
            shown[field] = value
    state = None if frame is None else codec.decode_json(frame.payload)
    return shown | {"state": state, "links": links(record.task)}


def _fits(record: TaskRecord, wanted: Filter) -> bool:
    words = "\n".join((record.title, record.kind, record.task, *record.tags)).casefold()
    return (
        wanted.since <= record.created <= wanted.before
        and (not wanted.kinds or record.kind in wanted.kinds)
        and wanted.owner in ("", record.owner)
        and set(wanted.tags) <= set(record.tags)
        and wanted.text.casefold() in words
        and (wanted.after is None or (record.created, record.task) < wanted.after)
    )


class Listing:
    """Reads tasks for the API. Methods raise UnavailableError."""

    def __init__(self, records: KeyValues, log: Log, history: History, decoder: FrameDecoder) -> None:
        self._records = records
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

    async def recent(self, wanted: Filter, seen: Callable[[TaskRecord], bool] = lambda _: True) -> list[dict[str, Any]]:
        """The newest tasks first, of those that are `seen`. Reads at most 2,000 records."""
        return (await self.search(wanted, seen)).tasks

    async def search(self, wanted: Filter, seen: Callable[[TaskRecord], bool] = lambda _: True) -> Found:
        """As `recent`, and how far the search went: repeat it with `before` for what is older."""
        found: list[dict[str, Any]] = []
        latest = wanted.before if wanted.after is None else min(wanted.before, wanted.after.created)
        oldest, before = latest, await self._start(latest)
        pages = 0
        for _ in range(MAX_READS):
            values, before = await self._records.newest_before(before)
            records = [record for item in reversed(values) if (record := self._record(*item)) is not None]
            oldest = min([oldest, *(record.created for record in records)])
            found += await self._matching([record for record in records if seen(record)], wanted)
            if len(found) > wanted.limit:
                last = found[wanted.limit - 1]
                after = Place(last["created"], last["task"])
                return Found(found[: wanted.limit], found[wanted.limit]["created"], after)
            if before <= 1 or oldest < wanted.since:
                return Found(found, None, None)
            pages += any(record.created <= wanted.before for record in records)
            if len(found) == wanted.limit or pages == MAX_PAGES:
                break
        return Found(found, oldest, Place(oldest, found[-1]["task"] if found else ""))

    async def _start(self, before: float) -> int:
        """The sequence below which tasks were created until `before`; 0 for the newest."""
        return 0 if before == math.inf else await self._records.seq_after(before + SKEW_SECONDS)

    async def _matching(self, records: list[TaskRecord], wanted: Filter) -> list[dict[str, Any]]:
        chosen = [record for record in records if _fits(record, wanted)]
        states = await self._states([record.task for record in chosen])
        shown = [summary(record, states.get(record.task)) for record in chosen if record.task in states]
        return [item for item in shown if not wanted.statuses or (item["state"] or {}).get("status") in wanted.statuses]

    async def _states(self, tasks: list[str]) -> dict[str, Frame | None]:
        stored, _ = await self._log.lasts(tasks)
        states: dict[str, Frame | None] = {}
        for item in stored:
            last = await self._history.readable(item)
            if last is not None and last.deleted:
                continue
            states[item.task] = None if last is None else await self._history.progress(item.task, last)
        return states

    def _record(self, task: str, value: bytes) -> TaskRecord | None:
        try:
            return decode_task(value, task)
        except MalformedEventError as error:
            self._decoder.malformed.note("task", task, error)
            return None
