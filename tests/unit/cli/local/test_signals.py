"""Signals that stop the local stack."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from headway.cli.local.signals import STOP_SIGNALS, stop_signal
from headway.cli.local.stack import Stack


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_first_signal_stops_and_the_second_one_kills(number: signal.Signals) -> None:
    killed = asyncio.Event()
    stack = Stack([], lambda *_: None, lambda *_: None)
    stack.kill = killed.set  # type: ignore[method-assign]
    async with asyncio.timeout(20), stop_signal(stack) as stop:
        os.kill(os.getpid(), number)
        await stop.wait()
        assert not killed.is_set()
        os.kill(os.getpid(), number)
        await killed.wait()
