"""How often a busy connection is read."""

import asyncio

import pytest
from nats.aio.client import DEFAULT_BUFFER_SIZE

from headway.jetstream.read_batching import FULL_BYTES, ReadBatcher

pytestmark = pytest.mark.looptime


class Transport:
    def __init__(self) -> None:
        self.reading = True
        self.pauses = 0

    def pause_reading(self) -> None:
        self.reading = False
        self.pauses += 1

    def resume_reading(self) -> None:
        self.reading = True


@pytest.fixture
def transport():
    return Transport()


async def test_a_first_read_is_not_followed_by_a_pause(transport):
    ReadBatcher(lambda: transport, 2.0).after_read(100)
    assert transport.reading


async def test_a_read_soon_after_another_is_followed_by_a_pause_of_that_length(transport):
    batcher = ReadBatcher(lambda: transport, 2.0)
    batcher.after_read(100)
    await asyncio.sleep(0.001)
    batcher.after_read(100)
    await asyncio.sleep(0.0019)
    assert not transport.reading
    await asyncio.sleep(0.0002)
    assert transport.reading


async def test_reads_that_are_far_apart_are_not_delayed(transport):
    batcher = ReadBatcher(lambda: transport, 2.0)
    for _ in range(5):
        batcher.after_read(100)
        await asyncio.sleep(0.005)
    assert not transport.pauses


async def test_a_full_read_is_followed_by_the_next_at_once(transport):
    batcher = ReadBatcher(lambda: transport, 2.0)
    for _ in range(5):
        batcher.after_read(FULL_BYTES)
    assert not transport.pauses


async def test_pauses_can_be_switched_off(transport):
    batcher = ReadBatcher(lambda: transport, 0.0)
    for _ in range(5):
        batcher.after_read(100)
    assert not transport.pauses


def test_a_full_read_is_what_nats_py_reads_at_most():
    assert FULL_BYTES == DEFAULT_BUFFER_SIZE


async def test_a_connection_that_cannot_be_paused_is_left_alone():
    batcher = ReadBatcher(lambda: None, 2.0)
    batcher.after_read(100)
    batcher.after_read(100)
