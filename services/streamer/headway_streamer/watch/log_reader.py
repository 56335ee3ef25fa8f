"""A watcher's position in the log of one task, and what follows it.

Continuity is verified or `reset` is sent: the n-th frame must follow the (n-1)-th, and a client's cursor must match the
log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from headway_streamer.frames.cursor import LATEST, START, UNPROVEN, Position
from headway_streamer.frames.frame import Frame, merge
from headway_streamer.tail.history import History
from headway_streamer.tail.tail import Tail

STALE_READS = 3
STALE_SECONDS = 0.05
MAX_FRAMES = 512
"""Per round, so that a watcher far behind is served in pieces and the others in between."""


class Reset(NamedTuple):
    """The watcher must discard its state of the task; all stored events follow."""

    task: str
    reason: str

    @property
    def position(self) -> Position:
        """The position after it."""
        return START


Item: TypeAlias = Frame | Reset


class LogReader:
    """A watcher's position at one tail, and its only owner.

    `next` returns what follows; `sent` moves the position. While the watcher is idle the tail writes to it by `take`,
    which moves the position too.

    Args:
        position: where to continue; LATEST begins with the last progress, UNPROVEN with a reset.
        mismatch: why the position cannot match the log, as far as its cursor shows; a reset is sent first.
        merging: whether like ticks are merged when the watcher catches up.
    """

    __slots__ = (
        "_epoch",
        "_history",
        "_latest",
        "_merging",
        "_mismatch",
        "_proved",
        "_stalled",
        "_unanchored",
        "at",
        "merged",
        "send",
        "tail",
        "wake",
        "writable",
        "wrote_at",
    )

    def __init__(
        self, tail: Tail, history: History, position: Position, *, mismatch: str = "", merging: bool = True
    ) -> None:
        self.tail = tail
        self.at = START if position in (LATEST, UNPROVEN) else position
        """The position after what was sent last; before that the one of the client's cursor."""
        self.merged = 0
        """How many frames merging has dropped in the last round."""
        self.wake: Callable[[], None] = _no_wake
        """Called when there may be something to send."""
        self.send: Callable[[bytes], None] = _no_connection
        """For `take`: writes to the connection."""
        self.writable = False
        """For `take`: whether the connection accepts bytes. Kept here, where it is read with each event: the
        connection's objects stay out of the CPU caches."""
        self.wrote_at = 0.0
        """Loop time of the last `take`."""
        self._history = history
        self._latest = position == LATEST
        self._mismatch = mismatch or ("cursor" if position == UNPROVEN else "")
        self._proved = position in (START, LATEST)
        self._unanchored = self._latest
        """Whether the next frame may have any number: nothing before it was claimed."""
        self._merging = merging
        self._epoch = tail.epoch
        self._stalled = False

    @property
    def task(self) -> str:
        """The task's id."""
        return self.tail.task

    @property
    def claim(self) -> Position:
        """The position that an id may contain for this task: never beyond what was sent."""
        if self._mismatch or self._stale:
            return UNPROVEN
        return LATEST if self._latest else self.at

    @property
    def stalled(self) -> bool:
        """Whether the watcher was sent that the task is stalled. It is woken when the task reports again."""
        return self._stalled

    @stalled.setter
    def stalled(self, value: bool) -> None:
        if value != self._stalled:
            self._stalled = value
            (self.tail.audience.join_stalled if value else self.tail.audience.leave_stalled)(self)

    @property
    def settled(self) -> bool:
        """Whether the task has ended and all of it was sent."""
        return self.tail.ended and self.waiting

    @property
    def complete(self) -> bool:
        """Whether the position, from a cursor, is the end of a log that has ended."""
        if not self.tail.ended or self._mismatch:
            return False
        last = self.tail.ring.frame(self.tail.ring.last_n)
        return last is not None and self.at == last.position

    @property
    def waiting(self) -> bool:
        """Whether there is nothing to send now."""
        return (
            self.at.n >= self.tail.ring.last_n
            and self._proved
            and not self._mismatch
            and not self._latest
            and not self._stale
        ) or self.tail.deleted

    async def next(self, room_bytes: int) -> Sequence[Item]:
        """What follows the position, in order: up to `room_bytes`, or one frame that is larger. Empty: wait.

        Raises UnavailableError.
        """
        self.merged = 0
        if self.tail.deleted:
            return ()
        if not (self._proved or self._mismatch or self._stale):
            self._mismatch = await self._find_mismatch()
        if self._stale:
            self._epoch = self.tail.epoch
            self._mismatch = self._mismatch or "incarnation"
        if self._mismatch:
            return (Reset(self.task, self._mismatch),)
        self._proved = True
        frames = await self._frames(await self._start())
        # The reads took time: what they found may be of a stream or a task that is no more.
        return () if self._stale or self.tail.deleted else self._following(frames, room_bytes)

    def sent(self, item: Item) -> None:
        """`item` was sent to the watcher, after all that comes before it."""
        self.at = item.position
        self._unanchored = isinstance(item, Reset)
        self._latest = False
        if isinstance(item, Reset):
            self._mismatch, self._proved = "", True

    def take(self, start: int, after: Position, piece: bytes, now: float) -> bool:
        """Write `piece`: the frames after the `start`-th, up to the position `after`.

        False when they do not follow, or the connection is full.
        """
        if self.at.n != start or not self.writable:
            return False
        self.send(piece)
        self.at = after
        self.wrote_at = now
        return True

    @property
    def _stale(self) -> bool:
        return self._epoch != self.tail.epoch

    def _following(self, frames: Sequence[Frame], room_bytes: int) -> Sequence[Item]:
        """The frames that follow without a gap, as far as there is room; a reset if there is a gap."""
        if frames and frames[0].n != self.at.n + 1 and not self._unanchored:
            return (Reset(self.task, "trimmed"),)
        run = _continuous(frames)
        kept = merge(run) if self._merging else run
        found = _fitting(kept, room_bytes)
        if found:
            self.merged = found[-1].n - run[0].n + 1 - len(found)
        return found

    async def _frames(self, after: Position) -> Sequence[Frame]:
        for _ in range(STALE_READS):
            frames: Sequence[Frame] | None = self.tail.ring.after(after.n)
            if frames is None:
                frames = (await self._history.page(self.task, after.seq + 1)).frames
                self.tail.ring.backfill(frames)
            if frames or after.n >= self.tail.ring.last_n or self._stale:
                return frames[:MAX_FRAMES]
            await asyncio.sleep(STALE_SECONDS)  # a lagging replica answered
        return self.tail.ring.all()[:MAX_FRAMES]

    async def _start(self) -> Position:
        """Where to read from: the position, or just before the last progress."""
        if not self._latest:
            return self.at
        last = self.tail.ring.frame(self.tail.ring.last_n)
        frame = None if last is None else await self._history.progress(self.task, last)
        if frame is None:
            self._latest = False  # there is nothing to leave out
            return START
        return Position(frame.seq - 1, frame.n - 1)

    async def _find_mismatch(self) -> str:
        """Why the cursor does not match this log; empty if it does."""
        seq, n = self.at
        known = self.tail.ring.frame(n)
        if known is not None:
            return "" if known.seq == seq else "cursor"
        if seq > self.tail.last_seq and await self._is_future(seq):
            return "future"
        page = await self._history.page(self.task, seq)
        self.tail.ring.backfill(page.frames)
        first = page.frames[0] if page.frames else None
        if first is not None and first.position == self.at:
            return ""
        return "trimmed" if first is not None and first.seq > seq and first.n > n else "cursor"

    async def _is_future(self, seq: int) -> bool:
        # Another streamer may have sent an event that has not reached this one: the stream leader decides.
        last = await self._history.last(self.task)
        if last is None or last.seq < seq:
            return True
        self.tail.refill()
        return False


def _continuous(frames: Sequence[Frame]) -> Sequence[Frame]:
    """The frames up to the first gap."""
    for place in range(1, len(frames)):
        if frames[place].n != frames[place - 1].n + 1:
            return frames[:place]
    return frames


def _fitting(frames: Sequence[Frame], room_bytes: int) -> Sequence[Frame]:
    """The frames that fit, and the one that fills the room."""
    for place, frame in enumerate(frames, 1):
        room_bytes -= len(frame.native)
        if room_bytes <= 0:
            return frames[:place]
    return frames


def _no_wake() -> None:
    """There is no watcher to wake."""


def _no_connection(_: bytes) -> None:
    """There is no connection to write to."""
