"""The probe, which finds events that were stored but not received live."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Collection, Mapping

from headway.errors import UnavailableError
from headway.eventlog.log import Log
from headway_streamer.metrics import Metrics
from headway_streamer.tail.tail import Tail

CHECK_SECONDS = 0.5
FIRST_PROBE_SECONDS = 1.0
PROBE_TAILS = 1000
"""Per request; the server answers 413 when more than 1,024 subjects match."""

logger = logging.getLogger(__name__)


class ProbedTail:
    """A tail and the time of its next probe."""

    __slots__ = ("at", "floor", "interval", "tail")

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.floor = 0
        """Sequence up to which a probe has found that nothing is missing."""
        self.at = math.inf
        """Loop time of the next probe, unless an event is delivered before; none before the tail is open."""
        self.interval = FIRST_PROBE_SECONDS
        """Seconds from the last probe, or the last delivered event, to the next probe."""

    @property
    def known_seq(self) -> int:
        """Sequence up to which nothing is missing."""
        return max(self.floor, self.tail.last_seq)

    def plan(self, now: float, seconds: float) -> None:
        """Probe `seconds` after loop time `now`."""
        self.at, self.interval = now + seconds, seconds

    def postpone(self, now: float) -> bool:
        """Postpone the probe if an event was delivered since it was planned. Whether it was."""
        self.at = self.tail.flushed_at + self.interval
        return self.at > now


class Probe:
    """Compares tails with the log: each 1 s after its join and then every few seconds.

    A live event proves that nothing before it is missing, so only a quiet tail is probed.
    """

    def __init__(self, log: Log, metrics: Metrics, tails: Mapping[str, ProbedTail], *, seconds: float) -> None:
        self._log = log
        self._metrics = metrics
        self._tails = tails
        self._seconds = seconds

    async def run(self) -> None:
        """Probe what is due, twice a second. A root task."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            now = asyncio.get_running_loop().time()
            # One comparison for each of thousands; the rest for the few that are left.
            due = [probed for probed in self._tails.values() if probed.at <= now]
            due = [probed for probed in due if not probed.tail.deleted and not probed.postpone(now)]
            for start in range(0, len(due), PROBE_TAILS):
                await self._probe(due[start : start + PROBE_TAILS])

    def run_soon(self) -> None:
        """Probe all open tails at the next occasion: after a reconnection, messages may have been lost."""
        now = asyncio.get_running_loop().time()
        for probed in self._tails.values():
            if probed.at < math.inf:
                probed.plan(now, 0.0)

    async def _probe(self, due: Collection[ProbedTail]) -> None:
        now = asyncio.get_running_loop().time()
        for probed in due:
            probed.plan(now, self._seconds * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load
        floor = min(probed.known_seq for probed in due)
        try:
            found, up_to = await self._log.lasts([probed.tail.task for probed in due], floor)
        except UnavailableError as error:
            logger.info("a probe failed", extra={"action": "probe_failed", "error": str(error)})
            return
        lasts = {stored.task: stored.seq for stored in found}
        for probed in due:
            tail = probed.tail
            if lasts.get(tail.task, 0) > tail.last_seq:
                self._metrics.probe_repaired()
                tail.refill()
            else:
                # A floor of its own for each tail: a shared one loses events.
                probed.floor = max(probed.floor, up_to)
