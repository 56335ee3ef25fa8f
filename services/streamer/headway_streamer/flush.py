"""When what has arrived is shown: tails that have something new are flushed together.

All messages that came in one read of the NATS socket are in their tails before the first is written out, so a
watcher gets one write for them. `flush_ms` waits a little longer and trades that latency for work.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class Flushable(Protocol):
    """A tail."""

    def flush(self) -> None:
        """Show what is new."""


class Flusher:
    """Flushes marked tails, each once, soon."""

    def __init__(self, flush_ms: float = 0.0) -> None:
        self._delay = flush_ms / 1000
        self._marked: list[Flushable] = []
        self._scheduled = False

    def mark(self, tail: Flushable) -> None:
        """`tail` has something new; mark it once until it is flushed."""
        self._marked.append(tail)
        if self._scheduled:
            return
        self._scheduled = True
        loop = asyncio.get_running_loop()
        if self._delay:
            loop.call_later(self._delay, self._flush)
        else:
            loop.call_soon(self._flush)

    def _flush(self) -> None:
        marked, self._marked = self._marked, []
        self._scheduled = False
        for tail in marked:
            tail.flush()
