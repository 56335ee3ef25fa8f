"""Which checkpoints are stored, and when."""

import asyncio

import pytest

from headway.checkpoint import Checkpoint, unpack
from headway.errors import TooLargeError
from headway.saver import SHARE, Saver
from headway.testing import MemoryCheckpoints


class Clock:
    """Seconds that the test sets."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    return MemoryCheckpoints()


@pytest.fixture
def saver(store, clock):
    return Saver(store, "t1", clock)


def state(name):
    return Checkpoint(state=name.encode())


def states(store):
    return [unpack(packed).state.decode() for packed in store.kept.values()]


async def test_latest_state_is_stored_when_it_is_due(saver, store, clock):
    saver.note(state("a"), 5.0)
    clock.now += 2.0
    saver.note(state("b"), 5.0)
    assert saver.wait_seconds() == 3.0
    clock.now += 3.0
    assert saver.wait_seconds() == 0.0
    stored = await saver.store()
    assert states(store) == ["b"]
    assert saver.wait_seconds() is None
    assert stored.size == len(store.kept["t1", stored.seq])


async def test_what_takes_long_is_stored_seldom(saver, store, clock):
    saver.note(state("a"), 0.0, took_seconds=2.0)
    assert saver.wait_seconds() == 2.0 * (SHARE - 1)
    clock.now += 100.0
    real = store.put

    async def put(task, packed):
        clock.now += 3.0
        return await real(task, packed)

    store.put = put
    await saver.store()
    assert not saver.wants(0.0)
    clock.now += 3.0 * (SHARE - 1)
    assert saver.wants(0.0)


def test_function_is_wanted_only_when_its_state_would_be_stored(saver, clock):
    assert not saver.wants(5.0)
    clock.now += 5.0
    assert saver.wants(5.0)
    saver.note(state("a"), 5.0)
    assert not saver.wants(5.0)


async def test_state_that_is_refused_waits_for_the_next_time(saver, store, clock, caplog):
    saver.note(state("a"), 0.0)
    store.away = True
    assert await saver.store() is None
    assert [record.action for record in caplog.records] == ["checkpoint_refused"]
    assert saver.wait_seconds() is not None
    store.away = False
    await saver.store()
    assert states(store) == ["a"]


async def test_newer_state_takes_the_place_of_one_that_is_refused(saver, store):
    saver.note(state("a"), 0.0)
    store.away = True
    storing = asyncio.create_task(saver.store())
    await asyncio.sleep(0)
    saver.note(state("b"), 0.0)
    await storing
    store.away = False
    await saver.store()
    assert states(store) == ["b"]


async def test_state_that_is_too_large_is_not_tried_again(saver, store):
    async def put(task, packed):
        raise TooLargeError("the checkpoint", 2, 1)

    store.put = put
    saver.note(state("a"), 0.0)
    assert await saver.store() is None
    assert saver.wait_seconds() is None


async def test_named_state_replaces_earlier_ones(saver, store, caplog):
    for name in ("a", "abc"):
        saver.note(state(name), 0.0)
        saver.hurry()
        stored = await saver.store()
        more = saver.name(stored)
        await saver.drop_before(stored.seq)
    assert (states(store), saver.named, more) == (["abc"], stored.seq, 2)
    store.away = True
    await saver.drop_before(stored.seq)
    assert states(store) == ["abc"]


async def test_without_a_store_nothing_is_kept(clock):
    saver = Saver(None, "t1", clock)
    assert not saver.stores
    assert not saver.note(state("a"), 0.0)
    assert await saver.store() is None
