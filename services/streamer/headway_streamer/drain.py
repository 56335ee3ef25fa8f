"""How streams end without their tasks having ended: spread over a window, by one path for shutdown and for old age."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

LATE_SECONDS = 2.0


class Drain:
    """Tells each watcher when to leave. Before `begin` that is never."""

    def __init__(self, window_seconds: float) -> None:
        self.began = asyncio.Event()
        self._window = window_seconds
        self._wakes: set[Callable[[], None]] = set()
        self._until = 0.0
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
        for wake in list(self._wakes):
            wake()

    def enter(self, wake: Callable[[], None]) -> None:
        """Call `wake` when the drain begins."""
        self._wakes.add(wake)
        self._empty.clear()

    def leave(self, wake: Callable[[], None]) -> None:
        """The counterpart of `enter`."""
        self._wakes.discard(wake)
        if not self._wakes:
            self._empty.set()

    async def emptied(self) -> None:
        """Return when all watchers have left, or when the window has passed and a little more."""
        late = self._until + LATE_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout_at(late):
                await self._empty.wait()

    def leave_at(self) -> float:
        """A random loop time within the window: the streams' ends, and so their returns, are spread."""
        return random.uniform(asyncio.get_running_loop().time(), self._until)  # noqa: S311


def retry_ms() -> int:
    """A jittered reconnection time for the browser, 0.5 to 3 s."""
    return random.randint(500, 3000)  # noqa: S311
