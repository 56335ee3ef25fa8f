"""The event that waiting tasks get when a processor begins to offer their kind."""

import asyncio
from contextlib import contextmanager

import pytest

from headway.testing import progress
from headway_streamer.tasks.kinds import no_processor
from headway_streamer.tasks.offers import Offers

pytestmark = pytest.mark.looptime

OFFERED = "a processor offers k now; waiting for its turn"


@pytest.fixture
async def waiting(parts):
    """A task that was accepted while nobody offered its kind."""
    await parts.add_task("t1")
    await parts.write("t1", progress("queued", message=no_processor("k")), attempt=0)
    return parts


@contextmanager
def announced(parts):
    """Two streamers keep offers announced. Not in the fixture: only the test itself runs in virtual time."""
    roots = [asyncio.ensure_future(Offers(parts.kinds, parts.listing, parts.log).keep_announced()) for _ in range(2)]
    yield
    for root in roots:
        root.cancel()


def messages(parts):
    return [event.message for event in parts.log.events("t1")]


async def test_a_waiting_task_gets_one_event(waiting):
    with announced(waiting):
        await asyncio.sleep(5)
        assert messages(waiting) == [no_processor("k")]
        waiting.offer("k")
        await asyncio.sleep(10)
    assert messages(waiting) == [no_processor("k"), OFFERED]


async def test_a_task_that_a_processor_has_begun_gets_none(waiting):
    await waiting.write("t1", progress("processing", 1.0))
    waiting.offer("k")
    with announced(waiting):
        await asyncio.sleep(10)
    assert OFFERED not in messages(waiting)


async def test_announcing_continues_after_nats_was_unreachable(waiting):
    waiting.leases.away = True
    waiting.offer("k")
    with announced(waiting):
        await asyncio.sleep(10)
        waiting.leases.away = False
        await asyncio.sleep(10)
    assert messages(waiting)[-1] == OFFERED
