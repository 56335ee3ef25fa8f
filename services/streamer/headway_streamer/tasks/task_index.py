"""An index of the tasks that are stored, by which one streamer lists them.

It is filled from the records, the newest first, and reads what was added before each search: a task that was submitted
is found at once. The log remains the truth of the state of a task. The index knows the last states of tasks that have
ended, and asks the log which of the others have changed since it last asked.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, ParamSpec, Protocol, TypeVar

from headway.errors import UnavailableError
from headway.jetstream.kv import Entry
from headway_streamer.malformed import Malformed
from headway_streamer.tasks.page_cursor import Place
from headway_streamer.tasks.ports import KeyValues
from headway_streamer.tasks.task_filter import Filter, micros
from headway_streamer.tasks.task_table import Row, TaskTable

MAX_TASKS = 500_000
"""Most tasks of an index. Older ones are searched in the records."""
SPARE = 1.05
"""How far the index may exceed its bound, so that not every new task removes an old one."""
SKEW_SECONDS = 5
"""How far the clocks of streamers, which say when tasks were created, and of NATS may differ."""
OUTDATED_PARTS = 50
"""The index is outdated when more than one in so many tasks is no longer stored."""
MAX_ROWS = 1024
"""Most tasks of a batch."""
NOTHING = 2**62
"""A time that no task has."""

T = TypeVar("T")
P = ParamSpec("P")


class Run(Protocol):
    """Awaits functions that block."""

    async def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `function`."""


class TableThread:
    """Runs functions one after another in a thread of its own."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "headway-index")

    async def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `function`."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(function, *args, **kwargs))

    def close(self) -> None:
        """End the thread after what runs in it."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class Batch(NamedTuple):
    """A part of what a search finds."""

    rows: list[Row]
    place: Place
    """Down to here the list has no more tasks that match."""
    last: bool = False
    """Whether nothing follows."""


class TaskIndex:
    """The index of one streamer.

    Args:
        records: the records of all tasks.
        incarnation: what changes when the store was lost. Raises UnavailableError before it is known.
        run: awaits a function that blocks.
        most: tasks that it holds, those that were stored last.
    """

    def __init__(
        self,
        records: KeyValues,
        malformed: Malformed,
        incarnation: Callable[[], str],
        *,
        run: Run,
        most: int = MAX_TASKS,
    ) -> None:
        self._records = records
        self._malformed = malformed
        self._incarnation = incarnation
        self._run = run
        self._most = most
        self._table = TaskTable()
        self._known = ""
        """The incarnation that is indexed."""
        self._next = 0
        """Sequence of the first record that is not read yet; 0 before the first read."""
        self._below = 0
        """Sequence below which no record is read yet; 1 if all are."""
        self._bottom = NOTHING
        """All tasks created since then, in microseconds, are in the index."""
        self._reading, self._extending = asyncio.Lock(), asyncio.Lock()
        self._begun = self._done = 0
        """Reads of what was added."""
        self._left_out = 0
        """Records that are not in the index: those that are malformed, or for which it has no room."""
        self._error: UnavailableError | None = None
        """Why the last of them has failed."""

    @property
    def count(self) -> int:
        """Tasks in the index."""
        return self._table.count

    @property
    def complete(self) -> bool:
        """Whether all tasks are in the index, or as many as it may hold."""
        return self._below == 1 or self._full

    @property
    def _full(self) -> bool:
        return self._table.count >= self._most

    async def search(self, wanted: Filter) -> AsyncGenerator[Batch, None]:
        """Yield tasks that match, in the order of the list, to the end of what is stored. Raises UnavailableError.

        All those that have not ended match a status.
        """
        await self.refresh()
        place, size, end = wanted.after, wanted.limit + 1, micros(wanted.since)
        while True:
            bottom, ended = self._bottom, self._below == 1 or self._bottom <= end
            rows = await self._run(self._table.find, wanted, place, 0 if ended else bottom, size)
            if len(rows) == size:
                place, size = rows[-1].place, min(size * 4, MAX_ROWS)
                yield Batch(rows, place)
                continue
            place = _lower(place, Place(0 if ended else bottom, ""))
            full = self._full
            if not (ended or full):
                await self.extend()  # before the search may be given up: the next one gets further
            yield Batch(rows, place, ended)
            if ended:
                return
            if full:
                break
        async for batch in self._search_older(wanted, place):
            yield batch

    async def refresh(self) -> None:
        """Read what was added. Raises UnavailableError.

        Callers share a read that begins after they have called, also when it fails.
        """
        called = self._begun
        async with self._reading:
            if self._done > called:
                if self._error is not None:
                    raise UnavailableError(str(self._error))
                return
            self._begun += 1
            begun, self._error = self._begun, None
            try:
                await self._read_new()
            except UnavailableError as error:
                self._error, self._done = error, begun
                raise
            self._done = begun

    async def extend(self) -> None:
        """Read a page of older records. Raises UnavailableError."""
        async with self._extending:
            if not self.complete:
                await self._read_below(self._below)

    async def unsettled(self, after: Place | None) -> list[Row]:
        """The first tasks behind `after` whose status may change."""
        return await self._run(self._table.unsettled, after, MAX_ROWS)

    async def note(self, rows: Sequence[Row]) -> None:
        """Keep what is known of the states of `rows`."""
        await self._run(self._table.note, rows)

    async def forget(self, rows: Sequence[Row]) -> None:
        """Remove tasks that are deleted."""
        await self._run(self._table.remove, rows)

    async def outdated(self) -> bool:
        """Whether the records of many of its tasks were removed. Raises UnavailableError."""
        gone = self._table.count + self._left_out - await self._records.count()
        return gone * OUTDATED_PARTS > self._table.count

    async def sweep(self, below: int = 0) -> int:
        """Compare a page with the records below sequence `below` (0: all that are read), and remove the tasks that are
        no longer stored.

        Returns where the next page ends; 0 after the last. Raises UnavailableError.
        """
        below = below or self._next
        entries, start, _ = await self._records.newest_before(below)
        await self._run(self._table.keep, [entry.seq for entry in entries], start, below)
        if start > 1:
            return start
        self._left_out = max(await self._records.count() - self._table.count, 0)
        return 0

    async def _read_new(self) -> None:
        found = self._incarnation()
        if self._known not in ("", found):  # the store is another one
            old, self._table = self._table, TaskTable()
            self._next, self._below, self._bottom = 0, 0, NOTHING
            await self._run(old.close)
        self._known = found
        if self._next == 0:
            entries = await self._read_below(0)
            self._next = entries[-1].seq + 1 if entries else 1
        while entries := await self._records.page(self._next):
            await self._add(self._table, entries)
            self._next = entries[-1].seq + 1
        if self._table.count > self._most * SPARE:
            below, newest = await self._run(self._table.trim, self._most)
            self._below, self._bottom = max(below, 2), max(newest + 1, self._bottom if self._below > 1 else 0)

    async def _read_below(self, seq: int) -> list[Entry]:
        """Add the page of records that ends below `seq` (0: the newest)."""
        entries, start, stored = await self._records.newest_before(seq)
        await self._add(self._table, entries)
        if entries:
            self._bottom = _bottom(stored)
        self._below = start if entries else 1
        return entries

    async def _search_older(self, wanted: Filter, place: Place) -> AsyncGenerator[Batch, None]:
        """Search the records for which the index has no room."""
        below = await self._records.seq_after(place.created / 1e6 + SKEW_SECONDS) or self._below
        table, end = TaskTable(), micros(wanted.since)
        try:
            while below > 1 and place.created > end:
                entries, below, stored = await self._records.newest_before(below)
                await self._add(table, entries)
                bottom = _bottom(stored) if below > 1 else 0
                rows = await self._run(table.find, wanted, place, bottom, max(table.count, 1))
                place = _lower(place, Place(bottom, ""))
                yield Batch(rows, place, below <= 1 or place.created <= end)
        finally:
            await self._run(table.close)

    async def _add(self, table: TaskTable, entries: Sequence[Entry]) -> None:
        for task, error in await self._run(table.add, entries):
            self._malformed.note("task", task, error)


def _lower(place: Place | None, other: Place) -> Place:
    return other if place is None else min(place, other)


def _bottom(stored: float) -> int:
    """The time, in microseconds, since which all tasks are known that were created, if those stored before `stored` are
    not: a task is created before it is stored, if long before where NATS was unreachable.

    In whole seconds: it is shown to people who may not see the task that was stored then.
    """
    return math.ceil(stored + SKEW_SECONDS) * 1_000_000
