"""The timer of idle watchers: one for all of them, because a timer or a task each would cost memory."""

from __future__ import annotations

import asyncio
from typing import Protocol

from headway_streamer.metrics import Metrics

INTERVAL_SECONDS = 0.5


class IdleWriter(Protocol):
    """What the timer needs of a writer."""

    due_at: float
    """Loop time of the next call of `on_due`."""

    def on_due(self, now: float) -> None:
        """Send what is due at loop time `now`, and set `due_at` again."""


class IdleTimer:
    """Calls idle writers when their heartbeat, a note on a stalled task, or the end of their stream is due."""

    def __init__(self, metrics: Metrics, *, write_deadline_seconds: float) -> None:
        self.metrics = metrics
        self.write_deadline_seconds = write_deadline_seconds
        self.writers: set[IdleWriter] = set()

    async def run(self) -> None:
        """Look for due writers twice a second. A root task."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            now = loop.time()
            for writer in [writer for writer in self.writers if writer.due_at <= now]:
                writer.on_due(now)
