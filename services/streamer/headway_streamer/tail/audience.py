"""The watchers at one tail, by what they need when there is something new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from headway_streamer.frames.cursor import Position


class Reader(Protocol):
    """A watcher's place at a tail."""

    wake: Callable[[], None]
    """Something is new that needs more than a write."""

    def take(self, start: int, after: Position, piece: bytes, now: float) -> bool:
        """Write `piece`: the frames after the `start`-th, up to the place `after`. False when the watcher needs
        something else.
        """


class Audience:
    """The readers of one tail. The owners of the readers change `waiting` and `direct`."""

    __slots__ = ("direct", "stalled", "waiting")

    def __init__(self) -> None:
        self.waiting: set[Reader] = set()
        """Woken when there is something new."""
        self.direct: set[Reader] = set()
        """Written to directly: caught up, on connections that take bytes."""
        self.stalled: set[Reader] | None = None
        """Woken when the task reports again. Most tails never have one, and a set weighs 216 bytes."""

    def join_stalled(self, reader: Reader) -> None:
        """Wake `reader` when the task reports again: its watcher was sent that it is stalled."""
        if self.stalled is None:
            self.stalled = set()
        self.stalled.add(reader)

    def leave_stalled(self, reader: Reader) -> None:
        """The counterpart of `join_stalled`."""
        if self.stalled is not None:
            self.stalled.discard(reader)
            self.stalled = self.stalled or None

    def write(self, start: int, after: Position, piece: bytes, now: float) -> int:
        """Write `piece` to the direct readers, and wake those that need something else. How many it was written to."""
        # Waking changes the set, so it comes after.
        missed = [reader for reader in self.direct if not reader.take(start, after, piece, now)]
        written = len(self.direct) - len(missed)
        for reader in missed:
            reader.wake()
        return written

    def wake_direct(self) -> None:
        """Wake the direct readers: what is new needs more than a write."""
        for reader in tuple(self.direct):
            reader.wake()

    def wake(self) -> None:
        """Wake the readers that wait or were sent that the task is stalled."""
        for reader in tuple(self.waiting):
            reader.wake()
        self.wake_stalled()

    def wake_stalled(self) -> None:
        """Wake the readers whose watchers were sent that the task is stalled."""
        for reader in tuple(self.stalled or ()):
            reader.wake()
