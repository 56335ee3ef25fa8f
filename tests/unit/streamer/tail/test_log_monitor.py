"""The check whether the event stream is there, and still the same one."""

import asyncio

import pytest

from headway_streamer.tail.log_monitor import LogMonitor

pytestmark = pytest.mark.looptime


class Run:
    """A monitor that runs."""

    def __init__(self, parts):
        self.closed = asyncio.Event()
        self.monitor = LogMonitor(parts.log, parts.tails)
        self.task = asyncio.ensure_future(self.monitor.run(self.closed))


async def test_a_streamer_is_ready_once_the_stream_was_found_and_stays_so(parts, log):
    log.away = True
    run = Run(parts)
    await asyncio.sleep(2)
    assert not run.monitor.ready
    log.away = False
    await asyncio.sleep(1)
    assert (run.monitor.ready, parts.decoder.incarnation) == (True, "memory1")
    log.away = True
    await asyncio.sleep(60)
    assert run.monitor.ready
    run.closed.set()
    await run.task


async def test_a_recreated_stream_is_noticed_within_15_seconds_and_at_once_after_a_reconnection(parts, log):
    run = Run(parts)
    await asyncio.sleep(1)
    log.recreate()
    await asyncio.sleep(15)
    assert parts.decoder.incarnation == "memory2"
    log.recreate()
    run.monitor.check_soon()
    await asyncio.sleep(0.1)
    assert parts.decoder.incarnation == "memory3"
    run.task.cancel()
