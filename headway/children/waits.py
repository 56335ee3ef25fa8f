"""The slot of a task, which others may use while its handler waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol


class Slot(Protocol):
    """The right to run here and now, which a task holds."""

    def lend(self) -> None:
        """Let others run. No effect if it is lent."""

    async def regain(self) -> None:
        """Return once the task may run again."""


class NoSlot:
    """Where nothing limits how many tasks run, as in tests of handlers."""

    def lend(self) -> None:
        """Nothing is held."""

    async def regain(self) -> None:
        """Nothing is held."""


class Waits:
    """The waits of one handler. Its slot is lent while at least one of them lasts.

    A handler may wait in several asyncio tasks at once; what runs beside a wait runs without a slot.

    Args:
        stopped: whether the handler should end: it gets no further turn then.
    """

    def __init__(self, slot: Slot, stopped: Callable[[], bool]) -> None:
        self._slot = slot
        self._stopped = stopped
        self._count = 0

    @asynccontextmanager
    async def wait(self) -> AsyncIterator[None]:
        """Lend the slot within the block, and have it back after it."""
        self._count += 1
        self._lend_if_waiting()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count and not self._stopped():
                await self._slot.regain()
                self._lend_if_waiting()  # another wait may have begun meanwhile

    def _lend_if_waiting(self) -> None:
        if self._count:
            self._slot.lend()
