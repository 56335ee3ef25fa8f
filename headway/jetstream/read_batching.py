"""How often a busy connection is read.

Every read wakes the process, and costs it several times what a message does. A server that sends message after message
wakes it for nearly each of them; left alone for two milliseconds, the same messages come in one read. A connection that
is quiet is read at once, and so is one that has more than a read can take.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

FULL_BYTES = 32_768
"""What nats-py reads at most. A full read means that there is more: it is no time to rest."""


class Pace:
    """Pauses a transport's reading after reads that follow closely on one another."""

    def __init__(self, transport: Callable[[], asyncio.ReadTransport | None], pause_ms: float) -> None:
        self._transport = transport
        self._pause = pause_ms / 1000
        self._read_at = -math.inf
        self._loop: asyncio.AbstractEventLoop | None = None

    def after_read(self, size_bytes: int) -> None:
        """So many bytes were read and taken. The reader's own buffer is empty unless they are `FULL_BYTES`."""
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
