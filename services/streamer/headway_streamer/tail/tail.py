"""The in-memory end of one task's log, shared by all watchers of the task in this process."""

from __future__ import annotations

import asyncio

from headway import codec
from headway.errors import MalformedEventError
from headway.events import Beat
from headway.ownership import UNKNOWN
from headway_streamer.frames.frame import Frame
from headway_streamer.frames.sse import chunked
from headway_streamer.metrics import Metrics
from headway_streamer.tail.audience import Audience
from headway_streamer.tail.flush import Flusher
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import EventPage, History
from headway_streamer.tail.refill import Refill
from headway_streamer.tail.ring import Ring, RingBudget


class Tail:
    """Frames up to the last one known, in order and without a gap.

    A live message is taken when it follows the last event; otherwise what is missing is read. The ring is bounded by
    bytes: a watcher that is behind it reads history.
    """

    __slots__ = (
        "_decode",
        "_flushed_n",
        "_flusher",
        "_history",
        "_marked",
        "_metrics",
        "_refill",
        "_time",
        "alive_at",
        "audience",
        "deleted",
        "ended",
        "epoch",
        "flushed_at",
        "last_seq",
        "ownership",
        "ring",
        "running",
        "task",
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
        """Sequence of the last message, malformed ones included."""
        self.ended = False
        self.deleted = False
        """Whether the task is deleted: nothing of it is sent any more."""
        self.epoch = 0
        """Raised when all that was known is void: the stream is another one."""
        self.ownership = UNKNOWN
        """Whose the task is, as the event says that the tail began with."""
        self.running = False
        """Whether the status of the last progress is `processing`."""
        self.ring = Ring(ring_bytes, budget or RingBudget(ring_bytes))
        self.audience = Audience()
        # Kept: asking for the running loop costs a system call on Python 3.11.
        self._time = asyncio.get_running_loop().time
        self.alive_at = self._time()
        """Loop time of the last event or task beat."""
        self.flushed_at = 0.0
        """Loop time of the last flush."""
        self._flushed_n = 0
        self._flusher = flusher or Flusher()
        self._marked = False
        self._history = history
        self._decode = decoder.frame
        self._metrics = metrics
        self._refill: Refill | None = Refill()
        """None while live messages are taken as they come."""

    # Input

    def open(self, last: Frame | None) -> None:
        """Begin with the last stored event; live messages that came meanwhile are then judged."""
        if self._refill is None or self._refill.reading:
            return  # `reset` came first: the refill reads all there is
        if last is not None:
            self._add(last)
            self._flushed_n = last.n
        self._end_refill()

    def on_live(self, seq: int, prev: int, payload: bytes) -> None:
        """Take a message of the live subject."""
        last = self.last_seq
        # `headway.eventlog.follow.judge`, written out: a call less per event.
        if prev <= last < seq and self._refill is None:
            self._metrics.events_received += 1
            frame = self._decode(self.task, payload, seq)
            if frame is not None and frame.n > self.ring.last_n:
                self._add(frame)
            self.last_seq = seq
            if not self._marked:
                self._marked = True
                self._flusher.mark(self)
        elif not seq:
            self._metrics.malformed()  # the server did not store it: only that makes it an event
        elif self._refill is not None:
            self._refill.keep(seq, prev, payload)
        elif seq > last:
            self._metrics.refilled()
            self.refill()

    def on_beat(self, payload: bytes) -> None:
        """Take a message of the beat subject."""
        try:
            beat: Beat = codec.decode_beat(payload)
        except MalformedEventError:
            self._metrics.malformed()
            return
        if not beat.presence:
            self.alive_at = self._time()
            self.audience.wake_stalled()

    def refill(self) -> None:
        """Read what is missing, in the background. Live messages are kept until it is read."""
        if self._refill is None:
            self._refill = Refill()
        if not self._refill.reading:
            self._refill.start(self._next_page, self._take_page, self._end_refill)

    def reset(self) -> None:
        """Drop all that is known: the stream is another one."""
        self.ring.clear()
        self.last_seq = self.ring.last_n = 0
        self.ended = self.deleted = self.running = False
        self.epoch += 1
        self.refill()
        self._mark()

    async def close(self) -> None:
        """Stop reading, and give the ring's memory back."""
        self.ring.clear()
        if self._refill is not None:
            await self._refill.cancel()

    async def _next_page(self) -> EventPage:
        return await self._history.page(self.task, self.last_seq + 1)

    def _take_page(self, page: EventPage) -> None:
        for frame in page.frames:
            if frame.seq > self.last_seq:
                if frame.n > self.ring.last_n:
                    self._add(frame)
                self.last_seq = frame.seq
        self.last_seq = max(self.last_seq, page.end)
        self._mark()

    def _end_refill(self) -> None:
        refill, self._refill = self._refill, None
        for message in refill.messages if refill is not None else ():
            self.on_live(*message)  # a gap begins another refill, which keeps the rest

    def _add(self, frame: Frame) -> None:
        self.ring.append(frame)
        self.last_seq = frame.seq
        self.alive_at = self._time()
        self.ended = ended = frame.terminal
        if ended and frame.deleted:
            self.deleted = True
            self.ring.clear()
        if frame.snap == frame.seq:
            self.running = frame.tick is not None and frame.tick[1] == "processing"

    # Output

    def _mark(self) -> None:
        if not self._marked:
            self._marked = True
            self._flusher.mark(self)

    def flush(self, now: float) -> None:
        """Deliver what is new, at loop time `now`: one write per watcher, the same bytes for all."""
        self._marked = False
        start, self._flushed_n = self._flushed_n, self.ring.last_n
        self.flushed_at = now
        audience = self.audience
        if audience.direct:
            self._write(start, now)
        if audience.waiting or audience.stalled:
            audience.wake()

    def _write(self, start: int, now: float) -> None:
        last = self.ring.last
        if last is not None and last.n == start + 1 and not last.terminal:
            count, piece = 1, chunked(last.native)
        else:
            frames = self.ring.after(start)
            # A gap, an end or a new stream needs more than a write: each watcher handles it in a step.
            if not frames or frames[0].n != start + 1 or self.ended:
                self.audience.wake_direct()
                return
            last = frames[-1]
            count, piece = len(frames), chunked(b"".join([frame.native for frame in frames]))
        written = self.audience.write(start, last.position, piece, now)
        metrics = self._metrics
        metrics.events_sent += written * count
        metrics.sent_bytes += written * len(piece)

    @property
    def newest_at(self) -> float:
        """When the newest event was written, by its writer's clock, seconds since 1970; 0 if there is none."""
        last = self.ring.last
        return 0.0 if last is None else last.at
