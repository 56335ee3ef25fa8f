"""The timer of idle connections: one for all of them, because a timer or a task each would cost memory."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Protocol

from headway_streamer.metrics import Metrics

INTERVAL_SECONDS = 0.5


class Waiting(Protocol):
    """What waits for its time."""

    due_at: float
    """Loop time of the next call of `on_due`."""

    def on_due(self, now: float) -> None:
        """Do what is due at loop time `now`, and set `due_at` again or leave the timer."""


class IdleTimer:
    """Calls idle writers when their heartbeat, a note on a stalled task, or the end of their stream is due, and
    connections whose request should be whole.
    """

    def __init__(self, metrics: Metrics, *, write_deadline_seconds: float) -> None:
        self.metrics = metrics
        self.write_deadline_seconds = write_deadline_seconds
        self.writers: set[Waiting] = set()
        self.requests: set[Waiting] = set()
        """Connections with unfinished requests."""

    async def run(self) -> None:
        """Look for what is due twice a second. A root task."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            now = loop.time()
            for waiting in [one for one in chain(self.writers, self.requests) if one.due_at <= now]:
                waiting.on_due(now)
