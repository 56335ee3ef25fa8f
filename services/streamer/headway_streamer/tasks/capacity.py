"""How full JetStream is: new tasks are rejected while there is still space for the ones that run.

A submit costs no request: a root task measures every second while tasks are accepted, and what is accepted in between
is added up here.
"""

from __future__ import annotations

import asyncio
import logging

from headway.errors import StoreFullError, UnavailableError
from headway.jetstream.store_meter import Usage
from headway_streamer.metrics import Metrics
from headway_streamer.tasks.ports import StoreMeter

START_SECONDS = 0.05
BUSY_SECONDS = 1.0
IDLE_SECONDS = 10.0
REJECTING_SECONDS = 5.0
"""After the server itself had no space, submits are rejected for this long without asking it: what becomes free belongs
to the tasks that run."""
FILES_SHARE = 0.75
"""Of the share that tasks may use: whoever uploads files does not keep others from submitting tasks."""
CLEARLY = 0.98
"""Share of the limit at which tasks are rejected: below it, it is logged that they are accepted again."""
BYTES_PER_TASK_BYTE = {"store": 1.0, "jobs": 0.5, "records": 0.5, "events": 0.01}
"""What each part grows by for a byte of a task: half of a task is its job, half its record; events are few."""

logger = logging.getLogger(__name__)


class StoreCapacity:
    """Whether JetStream has space for another task.

    Args:
        max_share: submits are rejected while a part is fuller than this, 0 to 1; 0 never rejects.
    """

    def __init__(self, meter: StoreMeter, metrics: Metrics, *, max_share: float) -> None:
        self.parts: list[Usage] = []
        """As measured last; empty before the first measurement."""
        self._meter = meter
        self._metrics = metrics
        self._max_share = max_share
        self._added = self._added_bytes = self._added_file_bytes = 0
        self._full = False
        """Whether it was logged that tasks are rejected."""
        self._rejecting: tuple[StoreFullError, float] | None = None
        """The server's error, and the loop time until which it counts."""

    def rejection(self, size_bytes: int) -> StoreFullError | None:
        """Why a task of `size_bytes`, record and job together, is not to be stored now; None when it may be."""
        rejection = self._rejection(size_bytes)
        if rejection is None:
            self._added_bytes += size_bytes
            self._added += 1
        elif not self._full:
            self._full = True
            logger.warning("new tasks are rejected", extra={"action": "store_full", "error": str(rejection)})
        return rejection

    def rejection_of_file(self, size_bytes: int) -> StoreFullError | None:
        """Why so many bytes of a file are not to be stored now. Files leave a part of the space to tasks."""
        store = [part for part in self.parts if part.name == "store"]
        rejection = self._rejection_of(store, size_bytes, self._max_share * FILES_SHARE, "files")
        if rejection is None:
            self._added_file_bytes += size_bytes
        return rejection

    def _rejection(self, size_bytes: int) -> StoreFullError | None:
        return self._rejection_of(self.parts, size_bytes, self._max_share, "new tasks")

    def _rejection_of(self, parts: list[Usage], size_bytes: int, share: float, what: str) -> StoreFullError | None:
        if self._rejecting is not None:
            error, until = self._rejecting
            if asyncio.get_running_loop().time() < until:
                return error
            self._rejecting = None
        if not share:
            return None
        for part in parts:
            needed = part.used + self._growth(part, size_bytes)
            if needed > part.limit * share:
                return _over(part, needed, f"{what} may use {share:.0%}")
        return None

    def note_full(self, error: StoreFullError) -> None:
        """The server had no space for a task."""
        self._rejecting = error, asyncio.get_running_loop().time() + REJECTING_SECONDS

    async def keep_measured(self) -> None:
        """Measure every second while tasks are accepted, else every ten. A root task."""
        clock, task = asyncio.get_running_loop().time, asyncio.current_task()
        next_at = 0.0
        while task is None or not task.cancelling():  # asyncio.wait_for in nats-py can swallow a cancellation
            if self._meter.connected and (
                clock() >= next_at or self._added_bytes or self._added_file_bytes or self._full
            ):
                measured = await self._measure()
                next_at = clock() + IDLE_SECONDS
                await asyncio.sleep(BUSY_SECONDS if measured else IDLE_SECONDS)
            else:
                await asyncio.sleep(BUSY_SECONDS if next_at else START_SECONDS)

    async def _measure(self) -> bool:
        """Whether the store could be measured."""
        try:
            self.parts = list(await self._meter.measure())
        except UnavailableError as error:
            logger.info("the store cannot be measured", extra={"action": "store_unknown", "error": str(error)})
            return False
        self._added = self._added_bytes = self._added_file_bytes = 0
        if self._full and all(part.share < self._max_share * CLEARLY for part in self.parts):
            self._full = False
            logger.info("new tasks are accepted again", extra={"action": "store_has_space"})
        self._metrics.stored({part.name: part.share for part in self.parts})
        return True

    def _growth(self, part: Usage, size_bytes: int) -> float:
        """What `part` has grown by since it was measured, a task of `size_bytes` included."""
        if part.unit == "messages":
            return self._added + 1
        files = self._added_file_bytes if part.name == "store" else 0
        return BYTES_PER_TASK_BYTE[part.name] * (self._added_bytes + size_bytes) + files


def _over(part: Usage, needed: float, allowed: str) -> StoreFullError:
    what = "the JetStream store" if part.name == "store" else f"the stream of {part.name.removesuffix('_count')}"
    return StoreFullError(what, f"{needed:,.0f} of {part.limit:,.0f} {part.unit} would be used; {allowed}")
