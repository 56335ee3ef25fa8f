"""Read a busy connection in larger pieces.

Every read wakes the process, which costs several times as much as a message. A server that sends continuously wakes it
for nearly every message; after a pause of two milliseconds the same messages come in one read. An idle connection is
read at once, and so is one that has more than a read can take.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

FULL_BYTES = 32_768
"""Maximum bytes of one read by nats-py. After a full read there is more, so no pause follows."""


class ReadBatcher:
    """Pauses a transport's reading after reads in quick succession."""

    def __init__(self, transport: Callable[[], asyncio.ReadTransport | None], pause_ms: float) -> None:
        self._transport = transport
        self._pause = pause_ms / 1000
        self._read_at = -math.inf
        self._loop: asyncio.AbstractEventLoop | None = None

    def after_read(self, size_bytes: int) -> None:
        """Pause if due, after `size_bytes` were read. The reader's buffer is empty unless they are `FULL_BYTES`."""
        if not self._pause:
            return
        loop = self._loop = self._loop or asyncio.get_running_loop()
        last, self._read_at = self._read_at, loop.time()
        if self._read_at - last >= 2 * self._pause or size_bytes >= FULL_BYTES:
            return
        transport = self._transport()
        if transport is not None:
            transport.pause_reading()
            loop.call_later(self._pause, transport.resume_reading)
