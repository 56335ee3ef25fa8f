"""How many tasks run at once: of each kind, and of all kinds together."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple


class _Waiter(NamedTuple):
    kind: str
    turn: asyncio.Future[None]


class Slots:
    """The slots of a processor.

    Args:
        count: how many tasks of all kinds may run at once.
    """

    def __init__(self, count: int) -> None:
        self.lent = 0
        """How many tasks run that have lent their slot."""
        self._free = count
        self._free_of: dict[str, int] = {}
        self._waiters: deque[_Waiter] = deque()

    def add(self, kind: str, count: int) -> None:
        """Let at most `count` tasks of `kind` run at once."""
        self._free_of[kind] = count

    async def take(self, kind: str) -> Slot:
        """Wait for a slot for a task of `kind`."""
        await self._take(kind, first=False)
        return Slot(self, kind)

    def take_free(self, kind: str, most: int) -> list[Slot]:
        """Up to `most` slots for tasks of `kind` that are free now: nobody who waits could have them."""
        count = max(min(most, self._free, self._free_of[kind]), 0)
        self._free -= count
        self._free_of[kind] -= count
        return [Slot(self, kind) for _ in range(count)]

    async def take_back(self, kind: str) -> None:
        """Wait for a slot for a task that has begun: before those that have not."""
        await self._take(kind, first=True)

    def free(self, kind: str) -> None:
        """Let another task have the slot of one of `kind`."""
        self._free += 1
        self._free_of[kind] += 1
        self._serve()

    async def _take(self, kind: str, *, first: bool) -> None:
        waiter = _Waiter(kind, asyncio.get_running_loop().create_future())
        if first:
            self._waiters.appendleft(waiter)
        else:
            self._waiters.append(waiter)
        self._serve()
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            else:
                self.free(kind)
            raise

    def _serve(self) -> None:
        """Give the free slots to those who wait, in their order, as far as their kinds have some."""
        for waiter in list(self._waiters):
            if not self._free:
                return
            if self._free_of[waiter.kind]:
                self._free -= 1
                self._free_of[waiter.kind] -= 1
                self._waiters.remove(waiter)
                waiter.turn.set_result(None)


class Slot:
    """The slot of one task. It is lent while the task waits for its children."""

    def __init__(self, slots: Slots, kind: str) -> None:
        self._slots = slots
        self._kind = kind
        self._held = True
        self._ended = False

    def lend(self) -> None:
        """Let another task have it. No effect if one may already."""
        if self._held:
            self._slots.lent += 1
            self._free()

    async def regain(self) -> None:
        """Wait for a slot again, unless it is held."""
        if not self._held:
            await self._slots.take_back(self._kind)
            self._held = True
            if self._ended:
                self._free()
            else:
                self._slots.lent -= 1

    def end(self) -> None:
        """Give it back: the task has ended."""
        self._ended = True
        if self._held:
            self._free()
        else:
            self._slots.lent -= 1

    def _free(self) -> None:
        self._held = False
        self._slots.free(self._kind)
