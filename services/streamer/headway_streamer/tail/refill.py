"""A read of what a tail is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from headway.service.retry import retry
from headway_streamer.tail.history import EventPage

MAX_BUFFERED = 4096


class Refill:
    """Reads the rest of a log in the background, and keeps the live messages that come meanwhile. Made per refill:
    most tails never need one after they were opened.
    """

    __slots__ = ("_reading", "messages")

    def __init__(self) -> None:
        self.messages: list[tuple[int, int, bytes]] = []
        """Arguments of `Tail.on_live`, in order."""
        self._reading: asyncio.Task[None] | None = None

    @property
    def reading(self) -> bool:
        """Whether the read is under way."""
        return self._reading is not None and not self._reading.done()

    def keep(self, seq: int, prev: int, payload: bytes) -> None:
        """Keep a live message. Beyond the bound it is dropped: what follows then shows the gap."""
        if len(self.messages) < MAX_BUFFERED:
            self.messages.append((seq, prev, payload))

    def start(
        self, next_page: Callable[[], Awaitable[EventPage]], take: Callable[[EventPage], None], end: Callable[[], None]
    ) -> None:
        """Read page by page, however long NATS is unreachable; call `take` with each, and `end` after the last."""
        self._reading = asyncio.ensure_future(self._read(next_page, take, end))

    async def cancel(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _read(
        self, next_page: Callable[[], Awaitable[EventPage]], take: Callable[[EventPage], None], end: Callable[[], None]
    ) -> None:
        while True:
            page = await retry(next_page)
            take(page)
            if not page.end:
                break
        end()
