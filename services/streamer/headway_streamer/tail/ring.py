"""The newest frames of one task, bounded by bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from headway_streamer.frames.frame import FRAME_BYTES, Frame


class RingBudget:
    """The memory that the rings of all tails share."""

    def __init__(self, limit_bytes: int) -> None:
        self.used = 0
        self.limit = limit_bytes
        """Above it rings shrink; each keeps its last frame all the same."""

    def allows(self, size_bytes: int) -> bool:
        """Whether `size_bytes` more fit."""
        return self.used + size_bytes <= self.limit


class Ring:
    """Frames up to the last one known, in order and without a gap."""

    __slots__ = ("_budget", "_bytes", "_frames", "_max_bytes", "last", "last_n")

    def __init__(self, max_bytes: int, budget: RingBudget) -> None:
        # Both are kept, for they are read with each event.
        self.last: Frame | None = None
        """The last frame; None when there is none."""
        self.last_n = 0
        """Number of the last event; 0 before the first. It stays when the ring is cleared."""
        self._max_bytes = max_bytes
        self._budget = budget
        self._bytes = 0
        self._frames: deque[Frame] = deque()

    def append(self, frame: Frame) -> None:
        """Add the frame of the next event, and drop what exceeds the bounds."""
        frames, budget, last = self._frames, self._budget, self.last
        if last is not None:
            if frame.n != last.n + 1:
                self.clear()  # the log itself has a gap: a watcher that is behind finds it when it reads
            elif frame.tick == last.tick:
                frame.tick = last.tick  # one object for a run of like ticks
        frames.append(frame)
        self.last, self.last_n = frame, frame.n
        size = len(frame.native) + FRAME_BYTES
        self._bytes += size
        budget.used += size
        while (self._bytes > self._max_bytes or budget.used > budget.limit) and len(frames) > 1:
            self._grow(-len(frames.popleft().native) - FRAME_BYTES)

    def after(self, n: int) -> list[Frame] | None:
        """The frames after the n-th event; None when the ring begins later than that."""
        count = self.last_n - n
        if count <= 0:
            return []
        if count > len(self._frames):
            return None
        if count == 1:
            return [self._frames[-1]]
        newest = list(islice(reversed(self._frames), count))  # from the end: most watchers are close to it
        newest.reverse()
        return newest

    def frame(self, n: int) -> Frame | None:
        """The frame of the n-th event, if it is here."""
        back = self.last_n - n
        return self._frames[-1 - back] if 0 <= back < len(self._frames) else None

    def all(self) -> list[Frame]:
        """All frames."""
        return list(self._frames)

    def backfill(self, read: Iterable[Frame]) -> None:
        """Keep frames that were read and reach to where the ring begins: the next watcher finds them here."""
        ring = self._frames
        frames = [frame for frame in read if ring and frame.n < ring[0].n]
        if not frames or frames[-1].n != ring[0].n - 1 or frames[-1].n - frames[0].n != len(frames) - 1:
            return
        size = sum(len(frame.native) + FRAME_BYTES for frame in frames)
        if self._bytes + size <= self._max_bytes and self._budget.allows(size):
            ring.extendleft(reversed(frames))
            self._grow(size)

    def clear(self) -> None:
        """Drop all frames, and give their memory back to the budget."""
        self._frames.clear()
        self.last = None
        self._grow(-self._bytes)

    def _grow(self, size_bytes: int) -> None:
        self._bytes += size_bytes
        self._budget.used += size_bytes
