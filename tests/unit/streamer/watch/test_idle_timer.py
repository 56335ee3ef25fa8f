"""The timer of idle writers."""

import asyncio

import pytest

from headway_streamer.metrics import Metrics
from headway_streamer.watch.idle_timer import IdleTimer

pytestmark = pytest.mark.looptime


class Writer:
    def __init__(self, due_at):
        self.due_at = due_at
        self.times = []

    def on_due(self, now):
        self.times.append(now)
        self.due_at = now + 10


async def test_a_writer_is_called_when_it_is_due_and_not_before():
    begun = asyncio.get_running_loop().time()
    timer, writer, left = IdleTimer(Metrics(), write_deadline_seconds=30), Writer(begun + 3), Writer(begun + 3)
    timer.writers |= {writer, left}
    timer.writers.discard(left)
    running = asyncio.ensure_future(timer.run())
    await asyncio.sleep(14)
    running.cancel()
    assert [round(at - begun) for at in writer.times] == [3, 13]
    assert left.times == []
