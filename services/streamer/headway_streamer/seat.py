"""One task as one watcher sees it: a position in the log, and the frames from there on.

Continuity is proved or `reset` is sent: every frame must be the n-th after the (n-1)-th, and a cursor that comes from
outside must stand in the log where it says it does.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from headway_streamer.cursor import START, Position
from headway_streamer.history import History
from headway_streamer.sse import Frame, merge
from headway_streamer.tail import Tail

STALE_READS = 3
STALE_SECONDS = 0.05
MAX_FRAMES = 512
"""Per round, so that a watcher far behind is served in pieces and the others in between."""


class Reset(NamedTuple):
    """The watcher must forget what it has of the task; all that is kept of it follows."""

    task: str
    reason: str
    position: Position


class Seat:
    """A watcher's place at one tail.

    Args:
        position: after which event to go on; None begins with the last progress (`from=latest`).
        doubt: why the position cannot be right, found out before the log was asked; the first thing sent is a reset.
        merging: whether like ticks are merged when the watcher catches up.
    """

    def __init__(
        self, tail: Tail, history: History, position: Position | None, *, doubt: str = "", merging: bool = True
    ) -> None:
        self.tail = tail
        self.position = START if position is None else position
        self.merged = 0
        """How many frames merging has left out in the last round."""
        self._history = history
        self._latest = position is None
        self._doubt = doubt
        self._proved = self.position == START
        self._merging = merging
        self._epoch = tail.epoch

    @property
    def task(self) -> str:
        """The task's id."""
        return self.tail.task

    @property
    def doubtful(self) -> bool:
        """Whether the watcher will be told to forget what it has."""
        return bool(self._doubt)

    @property
    def settled(self) -> bool:
        """Whether the watcher has all there will ever be."""
        return self.tail.ended and self.position.n >= self.tail.last_n and self._proved and not self._doubt

    @property
    def waiting(self) -> bool:
        """Whether there is nothing to send now."""
        return self._proved and not self._stale and not self._latest and self.position.n >= self.tail.last_n

    async def next(self) -> list[Frame | Reset]:
        """What follows the position, in order; the position moves along. Empty: wait. Raises UnavailableError."""
        found: list[Frame | Reset] = []
        if self._stale:
            self._epoch = self.tail.epoch
            self._doubt = self._doubt or "incarnation"
        if not self._proved and not self._doubt:
            self._doubt = await self._disproof()
        if self._doubt:
            found.append(self._reset(self._doubt))
        self._proved = True
        if self._latest:
            await self._begin_at_latest()
        frames = await self._frames()
        kept = merge(frames) if self._merging else frames
        self.merged = len(frames) - len(kept)
        self._prove(frames, kept, found)
        return found

    @property
    def _stale(self) -> bool:
        return self._epoch != self.tail.epoch

    def _prove(self, frames: list[Frame], kept: list[Frame], found: list[Frame | Reset]) -> None:
        """Put the kept frames behind what is found, with a reset wherever the log itself has a hole."""
        holes = set()
        n = self.position.n
        for frame in frames:
            if frame.n != n + 1:
                holes.add(frame.n)
            n = frame.n
        for frame in kept:
            if any(self.position.n < hole <= frame.n for hole in holes) and not _ends_with_reset(found):
                found.append(self._reset("trimmed"))
            found.append(frame)
            self.position = frame.position

    def _reset(self, reason: str) -> Reset:
        self._doubt = ""
        self.position = START
        return Reset(self.task, reason, START)

    async def _frames(self) -> list[Frame]:
        for _ in range(STALE_READS):
            frames = self.tail.after(self.position.n)
            if frames is None:
                frames = (await self._history.page(self.task, self.position.seq + 1)).frames
                self.tail.backfill(frames)
            if frames or self.waiting:
                return frames[:MAX_FRAMES]
            await asyncio.sleep(STALE_SECONDS)  # a replica that lags answered
        return self.tail.kept()[:MAX_FRAMES]

    async def _begin_at_latest(self) -> None:
        self._latest = False
        last = self.tail.frame(self.tail.last_n)
        frame = None if last is None else await self._history.progress(self.task, last)
        if frame is not None:
            # Just before it: what is kept from there on is continuous.
            self.position = Position(frame.seq - 1, frame.n - 1)

    async def _disproof(self) -> str:
        """Why the cursor does not stand in this log; empty when it does."""
        seq, n = self.position
        known = self.tail.frame(n)
        if known is not None:
            return "" if known.seq == seq else "cursor"
        if seq > self.tail.last_seq and await self._is_future(seq):
            return "future"
        page = await self._history.page(self.task, seq)
        self.tail.backfill(page.frames)
        first = page.frames[0] if page.frames else None
        if first is not None and first.position == self.position:
            return ""
        return "trimmed" if first is not None and first.seq > seq and first.n > n else "cursor"

    async def _is_future(self, seq: int) -> bool:
        # Another streamer may have shown what has not reached this one: the leader decides.
        last = await self._history.last(self.task)
        if last is None or last.seq < seq:
            return True
        self.tail.refill()
        return False


def _ends_with_reset(found: list[Frame | Reset]) -> bool:
    return bool(found) and isinstance(found[-1], Reset)
