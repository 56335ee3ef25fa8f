"""Joining and leaving tails."""

import asyncio

import pytest

from headway.errors import UnavailableError
from headway.testing import MemoryLog
from headway_streamer.tail.frame_decoder import FrameDecoder
from tests.unit.streamer.conftest import StreamerParts, ticks

pytestmark = pytest.mark.looptime


async def test_a_tail_is_shared_and_left_by_the_last(parts, log):
    await parts.write("t1", *ticks(1, 2))
    one, other = await asyncio.gather(parts.tails.join("t1"), parts.tails.join("t1"))
    assert one is other
    assert (len(parts.tails), parts.metrics.tails, log.subscribers("t1"), one.ring.last_n) == (1, 1, 1, 2)
    parts.tails.leave(one)
    await asyncio.sleep(1)
    assert len(parts.tails) == 1
    parts.tails.leave(other)
    await asyncio.sleep(1)
    assert (len(parts.tails), log.subscribers("t1"), log.beat_subscribers("t1")) == (0, 0, 0)
    parts.tails.leave(one)  # no longer known


async def test_a_join_that_fails_leaves_nothing(parts, log):
    log.away = True
    for result in await asyncio.gather(*(parts.tails.join("t1") for _ in range(2)), return_exceptions=True):
        assert isinstance(result, UnavailableError)
    log.away = False
    await asyncio.sleep(1)
    assert (len(parts.tails), log.subscribers("t1")) == (0, 0)
    assert (await parts.tails.join("t1")).ring.last_n == 0


async def test_a_join_that_is_cancelled_does_not_disturb_the_others(parts):
    await parts.write("t1", *ticks(1, 1))
    joins = [asyncio.ensure_future(parts.tails.join("t1")) for _ in range(2)]
    await asyncio.sleep(0)
    joins[0].cancel()
    assert (await joins[1]).ring.last_n == 1


async def test_nothing_is_joined_before_the_stream_is_known():
    parts = StreamerParts(MemoryLog(), decoder=None)
    parts.decoder = parts.tails._decoder = FrameDecoder(parts.metrics)
    with pytest.raises(UnavailableError):
        await parts.tails.join("t1")


async def test_another_incarnation_resets_all_tails(parts, log, caplog):
    await parts.write("t1", *ticks(1, 3))
    tail = await parts.tails.join("t1")
    await parts.tails.check_incarnation("inc")
    assert tail.epoch == 0
    log.recreate()
    await parts.tails.check_incarnation("other")
    assert (tail.epoch, parts.decoder.incarnation) == (1, "other")
    assert [record.action for record in caplog.records] == ["incarnation_changed"]
