"""The states of indexed tasks: read from the log where they may have changed, and kept in the index."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec

from headway.errors import UnavailableError
from headway.eventlog.log import Log
from headway_streamer.frames.frame import Frame
from headway_streamer.tail.history import History
from headway_streamer.tasks.task_index import MAX_ROWS, TaskIndex
from headway_streamer.tasks.task_table import Row

UNKNOWN_BATCH = 64
"""Logs whose ends are read at once while nothing is known of them: they may hold results."""
CHUNK = 64
"""Events that are decoded before others get their turn."""
READS = 16
"""Logs of which an event is read at once."""
WORK_SHARE = 0.3
"""Share of the time that is spent on the index in the background."""
PAUSE_SECONDS = 15.0
"""Between two looks for what has changed."""
RETRY_SECONDS = 1.0
SWEEP_SECONDS = 600.0
"""Between two comparisons of the index with the records, at least: both are read as a whole."""

logger = logging.getLogger(__name__)


class _Status(msgspec.Struct):
    status: str


_STATUS = msgspec.json.Decoder(_Status)


class TaskStates:
    """Knows the states of the tasks of an index."""

    def __init__(self, index: TaskIndex, log: Log, history: History) -> None:
        self._index = index
        self._log = log
        self._history = history

    async def keep_known(self) -> None:
        """Fill the index in the background, and follow the states of its tasks. A root task."""
        clock = asyncio.get_running_loop().time
        swept = clock()
        while True:
            try:
                await self._fill()
                await self._follow()
                if clock() > swept + SWEEP_SECONDS and await self._index.outdated():
                    swept = clock()
                    await self._sweep()
            except UnavailableError as error:
                logger.info("the index cannot be filled", extra={"action": "index_waits", "error": str(error)})
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await asyncio.sleep(PAUSE_SECONDS)

    async def settle(self, rows: Sequence[Row]) -> list[Row]:
        """`rows` with the statuses that the log has now, without those that are deleted. Raises UnavailableError."""
        unknown = [row for row in rows if not row.settled and not row.floor]
        known = sorted((row for row in rows if not row.settled and row.floor), key=lambda row: row.floor)
        gone: list[Row] = []
        for may_change, size in ((unknown, UNKNOWN_BATCH), (known, MAX_ROWS)):
            for start in range(0, len(may_change), size):
                gone += await self._settle(may_change[start : start + size])
        if not gone:
            return list(rows)
        await self._index.forget(gone)
        places = {row.place for row in gone}
        return [row for row in rows if row.place not in places]

    async def _settle(self, rows: list[Row]) -> list[Row]:
        """Read what has changed in the logs of `rows`. Returns those that are deleted."""
        tasks = {row.task: row for row in rows}
        # What has not changed since the least floor is left out of the answer.
        stored, up_to = await self._log.lasts(list(tasks), min(row.floor for row in rows))
        gone: list[Row] = []
        behind: list[tuple[Row, Frame]] = []
        for place, item in enumerate(stored, 1):
            row, frame = tasks[item.task], await self._history.readable(item)
            if frame is None:
                continue
            if frame.deleted:
                gone.append(row)
            elif frame.snap == frame.seq:
                _note(row, frame)
            elif frame.snap != row.snap:
                behind.append((row, frame))
            if place % CHUNK == 0:
                await asyncio.sleep(0)
        for start in range(0, len(behind), READS):
            await asyncio.gather(*(self._read(row, frame) for row, frame in behind[start : start + READS]))
        for row in rows:
            row.floor = max(row.floor, up_to)
        await self._index.note(rows)
        return gone

    async def _read(self, row: Row, frame: Frame) -> None:
        """Read the last progress of a log that ends with another event."""
        progress = await self._history.progress(row.task, frame)
        if progress is not None:
            _note(row, progress)

    async def _fill(self) -> None:
        clock = asyncio.get_running_loop().time
        await self._index.refresh()
        while not self._index.complete:
            began = clock()
            await self._index.extend()
            await _rest(began)

    async def _follow(self) -> None:
        """Read the states of all tasks that are not known to have ended."""
        clock, after = asyncio.get_running_loop().time, None
        while rows := await self._index.unsettled(after):
            after = rows[-1].place
            for start in range(0, len(rows), UNKNOWN_BATCH):
                began = clock()
                await self.settle(rows[start : start + UNKNOWN_BATCH])
                await _rest(began)

    async def _sweep(self) -> None:
        """Remove the tasks whose records were removed."""
        clock, below, more = asyncio.get_running_loop().time, 0, True
        while more:
            began = clock()
            below = await self._index.sweep(below)
            more = below > 0
            await _rest(began)


async def _rest(began: float) -> None:
    await asyncio.sleep((asyncio.get_running_loop().time() - began) * (1 / WORK_SHARE - 1))


def _note(row: Row, frame: Frame) -> None:
    row.status, row.settled, row.snap = _STATUS.decode(frame.payload).status, int(frame.terminal), frame.seq
