"""All tails of this process, by task."""

from __future__ import annotations

import asyncio
import logging

from headway.errors import UnavailableError
from headway.eventlog.log import Log, Subscription
from headway_streamer.metrics import Metrics
from headway_streamer.tail.flush import Flusher
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tail.probe import FIRST_PROBE_SECONDS, Probe, ProbedTail
from headway_streamer.tail.ring import RingBudget
from headway_streamer.tail.tail import Tail

logger = logging.getLogger(__name__)


class _Entry(ProbedTail):
    __slots__ = ("leaves", "opening", "subscriptions", "users")

    def __init__(self, tail: Tail) -> None:
        super().__init__(tail)
        self.users = 0
        self.leaves = 0
        """How many times the last user has left."""
        self.opening: asyncio.Task[None] | None = None
        self.subscriptions: list[Subscription] = []


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
        self._flusher = Flusher(flush_ms, metrics.delivered)
        self._linger = linger_seconds
        self._entries: dict[str, _Entry] = {}
        self.probe = Probe(log, metrics, self._entries, seconds=probe_seconds)
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, task: str) -> Tail | None:
        """The tail of `task`, if it is in memory. It can be without any event as yet."""
        entry = self._entries.get(task)
        return None if entry is None else entry.tail

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
        """The counterpart of `join`. The tail is kept for `linger_seconds` after the last: clients return in waves."""
        entry = self._entries.get(tail.task)
        if entry is None or entry.tail is not tail:
            return
        entry.users -= 1
        if not entry.users:
            entry.leaves += 1
            asyncio.get_running_loop().call_later(self._linger, self._expire, entry, entry.leaves)

    async def close(self) -> None:
        """Leave all tails."""
        for entry in list(self._entries.values()):
            self._remove(entry)
        if self._closing:
            await asyncio.wait(self._closing)

    def _expire(self, entry: _Entry, leaves: int) -> None:
        if not entry.users and entry.leaves == leaves:
            self._remove(entry)

    async def _open(self, entry: _Entry) -> None:
        tail = entry.tail
        # SUB first, then read, then what came in between.
        entry.subscriptions.append(await self._log.subscribe(tail.task, tail.on_live))
        stored = await self._log.last(tail.task)
        if stored is not None:
            tail.ownership = stored.ownership
        tail.open(None if stored is None else await self._history.readable(stored))
        if not tail.ended:
            entry.subscriptions.append(await self._log.subscribe_beats(tail.task, tail.on_beat))
        entry.floor = tail.last_seq
        entry.plan(asyncio.get_running_loop().time(), FIRST_PROBE_SECONDS)

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
                entry.opening.exception()  # raised by `join`
        for subscription in entry.subscriptions:
            await subscription.close()
        await entry.tail.close()

    async def check_incarnation(self, incarnation: str) -> None:
        """Set the incarnation of the stream, as it is now. If it has changed, reset all tails."""
        known = self._decoder.known
        if known and incarnation == self._decoder.incarnation:
            return
        self._decoder.incarnation = incarnation
        if known:
            logger.warning("the event stream was recreated", extra={"action": "incarnation_changed"})
            for entry in self._entries.values():
                entry.floor = 0
                entry.tail.reset()
