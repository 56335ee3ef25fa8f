"""When what has arrived is shown: tails that have something new are flushed together.

All messages that came in one read of the NATS socket are in their tails before the first is written out, so a
watcher gets one write for them. `flush_ms` waits a little longer and trades that latency for work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Flushable(Protocol):
    """A tail."""

    @property
    def newest_at(self) -> float:
        """When its newest event was written; 0 if there is none."""

    def flush(self, now: float) -> None:
        """Show what is new."""


class Flusher:
    """Flushes marked tails, each once, soon."""

    def __init__(self, flush_ms: float = 0.0, shown: Callable[[float], None] | None = None) -> None:
        self._delay = flush_ms / 1000
        self._shown_after = shown
        self._marked: list[Flushable] = []
        self._scheduled = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def mark(self, tail: Flushable) -> None:
        """`tail` has something new; mark it once until it is flushed."""
        self._marked.append(tail)
        if self._scheduled:
            return
        self._scheduled = True
        loop = self._loop = self._loop or asyncio.get_running_loop()
        if self._delay:
            loop.call_later(self._delay, self._flush)
        else:
            loop.call_soon(self._flush)

    def _flush(self) -> None:
        marked, self._marked = self._marked, []
        self._scheduled = False
        assert self._loop is not None
        now = self._loop.time()
        for tail in marked:
            tail.flush(now)
        if self._shown_after is not None and marked[-1].newest_at:
            # One of each round: what the last tail has just shown.
            self._shown_after(time.time() - marked[-1].newest_at)
