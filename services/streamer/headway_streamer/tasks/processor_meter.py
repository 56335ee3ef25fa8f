"""Counts the processors that are alive, and the tasks that wait for one, for the metrics of every streamer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence

from headway.errors import UnavailableError
from headway.records import ProcessorRecord
from headway_streamer.metrics import Metrics, ProcessorCounts
from headway_streamer.tasks.kinds import KindCatalogue
from headway_streamer.tasks.listing import Listing
from headway_streamer.tasks.task_filter import Filter

PAUSE_SECONDS = 10.0
"""Processors renew their leases as often."""
MAX_WAITING = 100
"""Tasks of one kind that are counted: an alert asks whether there are any."""
WAITING = ("queued", "retrying")

logger = logging.getLogger(__name__)


class ProcessorMeter:
    """Sets the counts of the processors. All streamers set the same, so whoever adds them up must not."""

    def __init__(self, catalogue: KindCatalogue, listing: Listing, metrics: Metrics) -> None:
        self._catalogue = catalogue
        self._listing = listing
        self._metrics = metrics

    async def keep_counted(self) -> None:
        """Count every ten seconds. A root task. There are no counts while NATS is unreachable: none is known."""
        while True:
            try:
                self._metrics.processors = await self._count()
            except UnavailableError as error:
                self._metrics.processors = None
                logger.info("processors cannot be counted", extra={"action": "uncounted", "error": str(error)})
            await asyncio.sleep(PAUSE_SECONDS)

    async def _count(self) -> ProcessorCounts:
        offered = await self._catalogue.offered()
        unoffered = [kind for kind, count in offered.items() if not count]
        waiting = {kind: await self._waiting(kind) for kind in unoffered}
        return counts_of(await self._catalogue.leases(), offered, waiting)

    async def _waiting(self, kind: str) -> int:
        wanted = Filter(limit=MAX_WAITING, kinds=(kind,), statuses=WAITING)
        now = time.time()
        found = await self._listing.recent(wanted)
        return sum(not task.get("reported") and task.get("run_at", 0.0) <= now for task in found)


def counts_of(leases: Sequence[ProcessorRecord], offered: dict[str, int], waiting: dict[str, int]) -> ProcessorCounts:
    """The counts of processors with these leases."""
    return ProcessorCounts(
        versions=Counter(lease.version or "unknown" for lease in leases),
        kinds=offered,
        slots=sum(lease.slots for lease in leases),
        busy=sum(min(lease.running, lease.slots) for lease in leases),
        waiting=waiting,
    )
