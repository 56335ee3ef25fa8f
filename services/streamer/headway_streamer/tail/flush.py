"""Delivery of new events: all tails that have some are flushed together.

All messages of one read of the NATS socket are in their tails before the first is written out, so a watcher gets one
write for them. With `flush_ms` more events are collected: less work, at the cost of latency.
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
        """When its newest event was written, seconds since 1970; 0 if there is none."""

    def flush(self, now: float) -> None:
        """Deliver what is new, at loop time `now`."""


class Flusher:
    """Flushes marked tails, each once.

    Args:
        delivered: called once per round with the seconds from the writing of an event to its delivery.
    """

    def __init__(self, flush_ms: float = 0.0, delivered: Callable[[float], None] | None = None) -> None:
        self._delay = flush_ms / 1000
        self._delivered = delivered
        self._marked: list[Flushable] = []
        self._scheduled = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def mark(self, tail: Flushable) -> None:
        """Flush `tail` soon. Call it once until it is flushed."""
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
        if self._delivered is not None and marked[-1].newest_at:
            # A sample per round: what the last tail has just delivered.
            self._delivered(time.time() - marked[-1].newest_at)
