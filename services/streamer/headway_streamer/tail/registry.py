"""All tails of this process: who watches what, and the probe that finds what was never shown."""

from __future__ import annotations

import asyncio
import logging
import math
import random

from headway.errors import HeadwayError, UnavailableError
from headway.eventlog.log import Log, Subscription
from headway_streamer.metrics import Metrics
from headway_streamer.tail.flush import Flusher
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tail.ring_budget import RingBudget
from headway_streamer.tail.tail import Tail

FIRST_PROBE_SECONDS = 1.0
PROBE_TAILS = 1000
"""Per request; the server answers 413 when more than 1,024 subjects match."""

logger = logging.getLogger(__name__)


class UnknownTaskError(HeadwayError):
    """There is no such task, or none that may be seen: the two are not told apart."""


class _Entry:
    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.users = 0
        self.left = 0
        """How often the last user has left."""
        self.probe_at = math.inf
        """Loop time of the next probe, if nothing is shown before; none before it is open."""
        self.probe_after = FIRST_PROBE_SECONDS
        """So long after the last probe, or the last event that was shown, there is another."""
        self.opening: asyncio.Task[None] | None = None
        self.subscriptions: list[Subscription] = []

    def plan_probe(self, now: float, after: float) -> None:
        """The next one, at loop time `now`."""
        self.probe_at, self.probe_after = now + after, after

    def put_off(self, now: float) -> bool:
        """Put its probe off if something was shown since the last one. Whether it was."""
        self.probe_at = self.tail.shown_at + self.probe_after
        return self.probe_at > now


class TailRegistry:
    """The tails that are watched. Join one, leave it; the first join subscribes, the last leave unsubscribes."""

    def __init__(
        self,
        log: Log,
        history: History,
        decoder: FrameDecoder,
        metrics: Metrics,
        *,
        ring_bytes: int = 512 * 1024,
        probe_seconds: float = 10.0,
        rings_bytes: int = 256 * 1024 * 1024,
        flush_ms: float = 0.0,
        linger_seconds: float = 0.0,
    ) -> None:
        self._log = log
        self._history = history
        self._decoder = decoder
        self._metrics = metrics
        self._ring_bytes = ring_bytes
        self._budget = RingBudget(rings_bytes)
        self._flusher = Flusher(flush_ms, metrics.shown)
        self._linger = linger_seconds
        self._probe_seconds = probe_seconds
        self._entries: dict[str, _Entry] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._entries)

    async def join(self, task: str) -> Tail:
        """The tail of `task`, filled up to its last event. Each join needs a `leave`.

        Raises UnavailableError, also before the incarnation of the stream is known: nothing can be served then.
        """
        if not self._decoder.known:
            raise UnavailableError("the event stream is not known yet")
        entry = self._entries.get(task)
        if entry is None:
            tail = Tail(
                task,
                self._history,
                self._decoder,
                self._metrics,
                ring_bytes=self._ring_bytes,
                budget=self._budget,
                flusher=self._flusher,
            )
            entry = self._entries[task] = _Entry(tail)
            entry.opening = asyncio.ensure_future(self._open(entry))
            self._metrics.tails_changed(len(self._entries))
        entry.users += 1
        try:
            assert entry.opening is not None
            await asyncio.shield(entry.opening)
        except BaseException:
            entry.users -= 1
            if not entry.users:
                self._remove(entry)
            raise
        return entry.tail

    def leave(self, tail: Tail) -> None:
        """The counterpart of `join`. The last one's tail is kept for a while: clients come back in waves."""
        entry = self._entries.get(tail.task)
        if entry is None or entry.tail is not tail:
            return
        entry.users -= 1
        if not entry.users:
            entry.left += 1
            asyncio.get_running_loop().call_later(self._linger, self._forget, entry, entry.left)

    async def close(self) -> None:
        """Leave all tails."""
        for entry in list(self._entries.values()):
            self._remove(entry)
        if self._closing:
            await asyncio.wait(self._closing)

    def _forget(self, entry: _Entry, left: int) -> None:
        if not entry.users and entry.left == left:
            self._remove(entry)

    async def _open(self, entry: _Entry) -> None:
        tail = entry.tail
        # SUB first, then read, then what came in between.
        entry.subscriptions.append(await self._log.subscribe(tail.task, tail.on_live))
        tail.open(await self._history.last(tail.task))
        if not tail.ended:
            entry.subscriptions.append(await self._log.subscribe_beats(tail.task, tail.on_beat))
        tail.floor = tail.last_seq
        entry.plan_probe(asyncio.get_running_loop().time(), FIRST_PROBE_SECONDS)

    def _remove(self, entry: _Entry) -> None:
        if self._entries.get(entry.tail.task) is not entry:
            return
        del self._entries[entry.tail.task]
        self._metrics.tails_changed(len(self._entries))
        closing = asyncio.ensure_future(self._close(entry))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _close(self, entry: _Entry) -> None:
        if entry.opening is not None:
            await asyncio.wait([entry.opening])
            if not entry.opening.cancelled():
                entry.opening.exception()  # it was told to whoever joined
        for subscription in entry.subscriptions:
            await subscription.close()
        await entry.tail.close()

    # The probe

    async def probe_for_ever(self) -> None:
        """A root task: compare the tails with the log, each 1 s after its join and then every few seconds.

        What is shown live proves that nothing before it is missing, so only a tail that is silent is probed.
        """
        while True:
            await asyncio.sleep(0.5)
            now = asyncio.get_running_loop().time()
            # One comparison for each of thousands; the rest for the few that are left.
            due = [entry for entry in self._entries.values() if entry.probe_at <= now]
            due = [entry for entry in due if not entry.tail.ended and not entry.put_off(now)]
            for start in range(0, len(due), PROBE_TAILS):
                await self._probe(due[start : start + PROBE_TAILS])

    def probe_soon(self) -> None:
        """After a reconnection: messages may have been lost."""
        now = asyncio.get_running_loop().time()
        for entry in self._entries.values():
            if entry.subscriptions:
                entry.plan_probe(now, 0.0)

    async def _probe(self, entries: list[_Entry]) -> None:
        now = asyncio.get_running_loop().time()
        for entry in entries:
            entry.plan_probe(now, self._probe_seconds * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load
        floor = min(max(entry.tail.floor, entry.tail.last_seq) for entry in entries)
        try:
            found, up_to = await self._log.lasts([entry.tail.task for entry in entries], floor)
        except UnavailableError as error:
            logger.info("a probe failed", extra={"action": "probe_failed", "error": str(error)})
            return
        lasts = {stored.task: stored.seq for stored in found}
        for entry in entries:
            tail = entry.tail
            if lasts.get(tail.task, 0) > tail.last_seq:
                self._metrics.probe_repaired()
                tail.refill()
            else:
                # A floor of its own for each tail: a shared one loses events.
                tail.floor = max(tail.floor, up_to)

    async def check_incarnation(self, incarnation: str) -> None:
        """The stream is `incarnation`: if it was another one, all that is known of all tasks is void."""
        known = self._decoder.known
        if known and incarnation == self._decoder.incarnation:
            return
        self._decoder.incarnation = incarnation
        if known:
            logger.warning("the event stream was recreated", extra={"action": "incarnation_changed"})
            for entry in self._entries.values():
                entry.tail.forget()
