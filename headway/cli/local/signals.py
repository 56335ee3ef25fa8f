"""Signals that stop `headway dev` and `headway demo`."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headway.cli.local.stack import Stack

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@asynccontextmanager
async def stop_signal(stack: Stack) -> AsyncIterator[asyncio.Event]:
    """Yield an event that the first of `STOP_SIGNALS` sets. The second one kills the stack's processes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def handle() -> None:
        if stop.is_set():
            stack.kill()
        stop.set()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, handle)
    try:
        yield stop
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
