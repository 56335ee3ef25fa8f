"""The in-memory end of one task's log, shared by all watchers of the task in this process."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Protocol

from headway import codec
from headway.errors import MalformedEventError
from headway.events import Beat
from headway.service.retry import retry
from headway_streamer.frames.cursor import Position
from headway_streamer.frames.frame import FRAME_BYTES, Frame
from headway_streamer.frames.sse import chunked
from headway_streamer.metrics import Metrics
from headway_streamer.tail.flush import Flusher
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tail.ring_budget import RingBudget

MAX_BUFFERED = 4096

logger = logging.getLogger(__name__)


class LogReader(Protocol):
    """A watcher's place at this tail."""

    wake: Callable[[], None]
    """Something is new that needs more than a write."""

    def take(self, start: int, after: Position, piece: bytes, now: float) -> bool:
        """Write `piece`: the frames after the `start`-th, up to the place `after`. False when the watcher needs
        something else.
        """


class Tail:
    """Frames up to the last one known, in order and without a hole.

    What is shown live is taken when it follows the last event; otherwise what is missing is read. The ring is
    bounded by bytes: whoever is behind it reads history.
    """

    __slots__ = (
        "_budget",
        "_buffer",
        "_filling",
        "_flusher",
        "_frame",
        "_history",
        "_marked",
        "_max_ring_bytes",
        "_metrics",
        "_refill",
        "_ring",
        "_ring_bytes",
        "_shown",
        "_stalled",
        "_time",
        "alive_at",
        "direct",
        "ended",
        "epoch",
        "floor",
        "last_n",
        "last_seq",
        "running",
        "shown_at",
        "task",
        "waiting",
    )

    def __init__(
        self,
        task: str,
        history: History,
        decoder: FrameDecoder,
        metrics: Metrics,
        *,
        ring_bytes: int,
        budget: RingBudget | None = None,
        flusher: Flusher | None = None,
    ) -> None:
        self.task = task
        self.last_seq = 0
        self.last_n = 0
        self.floor = 0
        """Up to here a probe has found nothing that is missing."""
        self.ended = False
        self.epoch = 0
        """Raised when all that was known is void: the stream is another one."""
        self.running = False
        """Whether the last progress says that the task is being worked on."""
        # Kept: asking for the running loop costs a system call on Python 3.11.
        self._time = asyncio.get_running_loop().time
        self.alive_at = self._time()
        """Loop time of the last sign of life."""
        self.waiting: set[LogReader] = set()
        """Woken when there is something new."""
        self.direct: set[LogReader] = set()
        """Written to directly: caught up, on connections that take bytes."""
        self._stalled: set[LogReader] | None = None
        """Woken when the task reports again. Most tails never have one, and a set weighs 216 bytes."""
        self._flusher = flusher or Flusher()
        self._budget = budget or RingBudget(ring_bytes)
        self._marked = False
        self._shown = 0
        self.shown_at = 0.0
        """Loop time of the last flush."""
        self._history = history
        self._frame = decoder.frame
        self._metrics = metrics
        self._ring: deque[Frame] = deque()
        self._ring_bytes = 0
        self._max_ring_bytes = ring_bytes
        self._buffer: list[tuple[int, int, bytes]] = []
        self._filling = True
        self._refill: asyncio.Task[None] | None = None

    # What watchers ask

    def after(self, n: int) -> list[Frame] | None:
        """The frames after the n-th event; None when the ring begins later than that."""
        count = self.last_n - n
        if count <= 0:
            return []
        if count > len(self._ring):
            return None
        if count == 1:
            return [self._ring[-1]]
        newest = list(islice(reversed(self._ring), count))  # from the end: most watchers are close to it
        newest.reverse()
        return newest

    def frame(self, n: int) -> Frame | None:
        """The n-th event, if the ring has it."""
        back = self.last_n - n
        return self._ring[-1 - back] if 0 <= back < len(self._ring) else None

    def kept(self) -> list[Frame]:
        """All that the ring has."""
        return list(self._ring)

    def backfill(self, read: Iterable[Frame]) -> None:
        """Keep frames that were read and reach to where the ring begins: the next who comes back finds them here."""
        frames = [frame for frame in read if self._ring and frame.n < self._ring[0].n]
        if not frames or frames[-1].n != self._ring[0].n - 1 or frames[-1].n - frames[0].n != len(frames) - 1:
            return
        size = sum(len(frame.native) + FRAME_BYTES for frame in frames)
        if self._ring_bytes + size <= self._max_ring_bytes and self._budget.allows(size):
            self._ring.extendleft(reversed(frames))
            self._grow(size)

    def join_stalled(self, reader: LogReader) -> None:
        """Wake `reader` when the task reports again: its watcher was sent that it is stalled."""
        if self._stalled is None:
            self._stalled = set()
        self._stalled.add(reader)

    def leave_stalled(self, reader: LogReader) -> None:
        """The counterpart of `join_stalled`."""
        if self._stalled is not None:
            self._stalled.discard(reader)
            self._stalled = self._stalled or None

    # What comes in

    def open(self, last: Frame | None) -> None:
        """Begin with the last stored event; live messages that came meanwhile are then judged."""
        if last is not None:
            self._add(last)
            self._shown = last.n
        self._drain_buffer()

    def on_live(self, seq: int, prev: int, payload: bytes) -> None:
        """Take a message of the live subject."""
        last = self.last_seq
        # `headway.eventlog.follow.judge`, written out: a call less per event.
        if prev <= last < seq and not self._filling:
            self._metrics.events_received += 1
            frame = self._frame(self.task, payload, seq)
            if frame is not None and frame.n > self.last_n:
                self._add(frame)
            self.last_seq = seq
            if not self._marked:
                self._marked = True
                self._flusher.mark(self)
        elif not seq:
            self._metrics.malformed()  # the server did not store it: only that makes it an event
        elif self._filling:
            # Beyond the bound it may lose: what follows then shows the hole.
            if len(self._buffer) < MAX_BUFFERED:
                self._buffer.append((seq, prev, payload))
        elif seq > last:
            self._metrics.refilled()
            self.refill()

    def refill(self) -> None:
        """Read what is missing, in the background. Live messages wait meanwhile."""
        if self._refill is None or self._refill.done():
            self._filling = True
            self._refill = asyncio.ensure_future(self._read_rest())

    def forget(self) -> None:
        """The stream is another one: all that is known is void."""
        self._clear()
        self.last_seq = self.last_n = self.floor = 0
        self.ended = self.running = False
        self.epoch += 1
        self.refill()
        self._wake()

    async def close(self) -> None:
        """Stop reading, and give the ring's memory back."""
        self._clear()
        if self._refill is not None:
            self._refill.cancel()
            await asyncio.wait([self._refill])

    def on_beat(self, payload: bytes) -> None:
        """Take a message of the beat subject."""
        try:
            beat: Beat = codec.decode_beat(payload)
        except MalformedEventError:
            self._metrics.malformed()
            return
        if not beat.presence:
            self.alive_at = self._time()
            self._wake_stalled()

    def _wake_stalled(self) -> None:
        for reader in tuple(self._stalled or ()):
            reader.wake()

    async def _read_rest(self) -> None:
        while True:
            page = await retry(lambda: self._history.page(self.task, self.last_seq + 1))
            for frame in page.frames:
                self._take(frame.seq, frame)
            self.last_seq = max(self.last_seq, page.end)
            self._wake()
            if not page.end:
                break
        self._drain_buffer()

    def _drain_buffer(self) -> None:
        buffered, self._buffer, self._filling = self._buffer, [], False
        for live in buffered:
            self.on_live(*live)  # a hole sets off another read, for which the rest waits again

    def _take(self, seq: int, frame: Frame | None) -> None:
        if seq <= self.last_seq:
            return
        if frame is not None and frame.n > self.last_n:
            self._add(frame)
        self.last_seq = seq

    def _add(self, frame: Frame) -> None:
        ring, budget = self._ring, self._budget
        if ring:
            last = ring[-1]
            if frame.n != last.n + 1:
                self._clear()  # the log itself has a hole: whoever is behind finds it when reading
            elif frame.tick == last.tick:
                frame.tick = last.tick  # one object for a run of like ticks
        ring.append(frame)
        size = len(frame.native) + FRAME_BYTES
        self._ring_bytes += size
        budget.used += size
        while (self._ring_bytes > self._max_ring_bytes or budget.used > budget.limit) and len(ring) > 1:
            self._grow(-len(ring.popleft().native) - FRAME_BYTES)
        self.last_seq, self.last_n = frame.seq, frame.n
        self.alive_at = self._time()
        self.ended = frame.terminal
        if frame.snap == frame.seq:
            self.running = frame.tick is not None and frame.tick[1] == "processing"

    def _grow(self, size_bytes: int) -> None:
        self._ring_bytes += size_bytes
        self._budget.used += size_bytes

    def _clear(self) -> None:
        self._ring.clear()
        self._grow(-self._ring_bytes)

    def _wake(self) -> None:
        if not self._marked:
            self._marked = True
            self._flusher.mark(self)

    # What goes out

    def flush(self, now: float) -> None:
        """Show what is new, at loop time `now`: one write per line, the same bytes for all."""
        self._marked = False
        start, self._shown = self._shown, self.last_n
        self.shown_at = now
        if self.direct:
            self._show(start, now)
        for reader in tuple(self.waiting):
            reader.wake()
        if self._stalled is not None:
            self._wake_stalled()

    def _show(self, start: int, now: float) -> None:
        last = self._ring[-1] if self._ring else None
        if last is not None and last.n == start + 1 and not last.terminal:
            count, piece = 1, chunked(last.native)
        else:
            frames = self.after(start)
            # A hole, an end or a new stream needs more than a write: each watcher finds out by itself.
            if not frames or frames[0].n != start + 1 or self.ended:
                for reader in tuple(self.direct):
                    reader.wake()
                return
            last = frames[-1]
            count, piece = len(frames), chunked(b"".join([frame.native for frame in frames]))
        after = last.position
        # Waking changes the set, so it comes after.
        missed = [reader for reader in self.direct if not reader.take(start, after, piece, now)]
        written = len(self.direct) - len(missed)
        for reader in missed:
            reader.wake()
        metrics = self._metrics
        metrics.events_sent += written * count
        metrics.sent_bytes += written * len(piece)

    @property
    def newest_at(self) -> float:
        """When the newest event was written, by its writer's clock; 0 if there is none."""
        return self._ring[-1].at if self._ring else 0.0
