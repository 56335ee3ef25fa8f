"""What a streamer publishes about the starters that are connected to it."""

import asyncio

import pytest

from headway import codec, presence
from headway_streamer.tasks.presence import Presence
from headway_streamer.watch.admission import rejection
from headway_streamer.watch.drain import retry_ms

pytestmark = pytest.mark.looptime


class Published:
    """Times of presence beats per task, from a streamer whose presence is kept published."""

    def __init__(self, log):
        self.log = log
        self.connected = True
        self.presence = Presence(log, lambda: self.connected)
        self.times = {"t1": [], "t2": []}

    async def __aenter__(self):
        self.began = asyncio.get_running_loop().time()
        for task in self.times:
            await self.log.subscribe_beats(task, self._on_beat)
        self.root = asyncio.create_task(self.presence.keep_published())
        return self

    async def __aexit__(self, *_):
        self.root.cancel()

    def _on_beat(self, payload):
        beat = codec.decode_beat(payload)
        assert beat.presence
        self.times[beat.task].append(round(asyncio.get_running_loop().time() - self.began, 1))


async def test_a_starter_is_published_on_its_arrival_and_then_every_five_seconds(log):
    async with Published(log) as published:
        await asyncio.sleep(2)
        published.presence.arrived("t1")
        await asyncio.sleep(14)
        assert published.times == {"t1": [2, 5, 10, 15], "t2": []}


async def test_a_starter_with_two_streams_is_present_until_both_have_ended(log):
    async with Published(log) as published:
        published.presence.arrived("t1")
        published.presence.arrived("t1")
        await asyncio.sleep(6)
        published.presence.left("t1")
        await asyncio.sleep(5)
        published.presence.left("t1")
        await asyncio.sleep(20)
        assert published.times["t1"] == [0, 5, 10]


async def test_a_starter_that_returns_is_published_at_once(log):
    async with Published(log) as published:
        published.presence.arrived("t1")
        await asyncio.sleep(1)
        published.presence.left("t1")
        await asyncio.sleep(6)
        published.presence.arrived("t1")
        await asyncio.sleep(1)
        assert published.times["t1"] == [0, 7]


async def test_a_starter_that_gets_no_stream_is_published_once(log):
    async with Published(log) as published:
        published.presence.called("t1")
        await asyncio.sleep(20)
        assert published.times["t1"] == [0]


async def test_nothing_is_published_while_nats_is_not_connected_and_all_after_a_reconnection(log):
    async with Published(log) as published:
        published.connected = False
        for task in published.times:
            published.presence.arrived(task)
        await asyncio.sleep(7)
        published.connected = True
        published.presence.publish_soon()
        await asyncio.sleep(1)
        assert published.times == {"t1": [7], "t2": [7]}


async def test_a_beat_that_is_refused_does_not_end_the_beats(log):
    async with Published(log) as published:
        log.away = True
        published.presence.arrived("t1")
        await asyncio.sleep(7)
        log.away = False
        await asyncio.sleep(4)
        assert published.times["t1"] == [10]


async def test_no_retry_is_longer_than_processors_assume():
    longest_ms = presence.LONGEST_RETRY_SECONDS * 1000
    assert max(retry_ms() for _ in range(1000)) <= longest_ms
    for _ in range(300):
        farewell = rejection("drain").farewell
        (retry,) = (line for line in farewell.split(b"\n") if line.startswith(b"retry: "))
        assert int(retry[7:]) <= longest_ms
