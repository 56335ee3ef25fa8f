"""Tails that have something new are flushed together."""

import asyncio
import time

import pytest

from headway_streamer.tail.flush import Flusher

pytestmark = pytest.mark.looptime


class Flushed:
    def __init__(self, newest_at=0.0):
        self.newest_at = newest_at
        self.times = []

    def flush(self, now):
        self.times.append(now)


async def test_all_marked_tails_are_flushed_in_the_next_round():
    flusher, tails = Flusher(), [Flushed(), Flushed()]
    for tail in tails:
        flusher.mark(tail)
    assert tails[0].times == []
    await asyncio.sleep(0)
    assert tails[0].times == tails[1].times != []


async def test_a_delay_collects_what_arrives_meanwhile():
    flusher, early, late = Flusher(20), Flushed(), Flushed()
    begun = asyncio.get_running_loop().time()
    flusher.mark(early)
    await asyncio.sleep(0.015)
    flusher.mark(late)
    await asyncio.sleep(0.1)
    assert early.times == late.times == [pytest.approx(begun + 0.02)]


async def test_each_round_has_one_sample_of_the_latency():
    samples = []
    flusher = Flusher(0, samples.append)
    for tail in (Flushed(time.time() - 5), Flushed(time.time() - 1), Flushed()):
        flusher.mark(tail)
        await asyncio.sleep(0)
    assert [round(sample) for sample in samples] == [5, 1]
