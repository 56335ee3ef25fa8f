"""How streams end without their tasks having ended: spread over a window, by one path for shutdown and for old age."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

LATE_SECONDS = 2.0
"""Parked streams are looked at twice a second, and a busy loop needs a moment: what is later than this is late."""


class Drain:
    """Tells each watcher when to leave. Before `begin` that is never."""

    def __init__(self, window_seconds: float) -> None:
        self.began = asyncio.Event()
        self._window = window_seconds
        self._wakes: dict[object, Callable[[], None]] = {}
        self._until = 0.0
        self._leaving: dict[object, float] = {}
        """When each is to leave."""
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def draining(self) -> bool:
        """Whether the streamer is about to end."""
        return self.began.is_set()

    def begin(self) -> None:
        """Readiness is off from now on, and every watcher gets its time to leave."""
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
        """The counterpart of `enter`."""
        self._wakes.pop(watcher, None)
        self._leaving.pop(watcher, None)
        if not self._wakes:
            self._empty.set()

    async def emptied(self) -> None:
        """Return when all watchers have left, or when the window has passed and a little more."""
        late = self._until + LATE_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout_at(late):
                await self._empty.wait()

    def leave_at(self, watcher: object) -> float:
        """A random loop time within the window: the streams' ends, and so their returns, are spread."""
        at = random.uniform(asyncio.get_running_loop().time(), self._until)  # noqa: S311
        self._leaving[watcher] = at
        return at

    def late(self) -> int:
        """How many streams are still open although their time to leave has come: the drain will not be in time."""
        if not self._leaving:
            return 0
        due = asyncio.get_running_loop().time() - LATE_SECONDS
        return sum(at <= due for at in self._leaving.values())


def retry_ms() -> int:
    """A jittered reconnection time for the browser, 0.5 to 3 s."""
    return random.randint(500, 3000)  # noqa: S311
