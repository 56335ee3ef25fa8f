"""The drain: at shutdown, streams end spread over a window."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

OVERDUE_SECONDS = 2.0
"""Idle streams are checked twice a second, and a busy loop needs a moment: a stream that ends later is overdue."""


class Drain:
    """Schedules the end of each stream. Args: window_seconds, over which the ends are spread."""

    def __init__(self, window_seconds: float) -> None:
        self.began = asyncio.Event()
        self._window = window_seconds
        self._wakes: dict[object, Callable[[], None]] = {}
        self._until = 0.0
        self._leaving: dict[object, float] = {}
        """Loop time of the end of each stream."""
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def draining(self) -> bool:
        """Whether the drain has begun."""
        return self.began.is_set()

    def begin(self) -> None:
        """Begin: the streamer is not ready from now on, and every stream has a time at which it ends."""
        if self.draining:
            return
        self._until = asyncio.get_running_loop().time() + self._window
        self.began.set()
        for wake in list(self._wakes.values()):
            wake()

    def enter(self, watcher: object, wake: Callable[[], None]) -> None:
        """Call `wake` when the drain begins."""
        self._wakes[watcher] = wake
        self._empty.clear()

    def leave(self, watcher: object) -> None:
        """The stream of `watcher` has ended: the counterpart of `enter`."""
        self._wakes.pop(watcher, None)
        self._leaving.pop(watcher, None)
        if not self._wakes:
            self._empty.set()

    async def emptied(self) -> None:
        """Return when all streams have ended, or two seconds after the window."""
        overdue_at = self._until + OVERDUE_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout_at(overdue_at):
                await self._empty.wait()

    def leave_at(self, watcher: object) -> float:
        """A random loop time within the window: the ends of the streams, and so their reconnections, are spread."""
        at = random.uniform(asyncio.get_running_loop().time(), self._until)  # noqa: S311
        self._leaving[watcher] = at
        return at

    def overdue(self) -> int:
        """How many streams are open although they should have ended: the drain will not finish in time."""
        if not self._leaving:
            return 0
        due = asyncio.get_running_loop().time() - OVERDUE_SECONDS
        return sum(at <= due for at in self._leaving.values())


def retry_ms() -> int:
    """A random reconnection time for the browser, 500 to 3,000 ms."""
    return random.randint(500, 3000)  # noqa: S311
