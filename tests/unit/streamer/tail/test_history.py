"""Reading stored events as frames."""

import asyncio

import pytest

from headway.errors import UnavailableError
from headway.events import Chunk
from headway_streamer.tail.history import PAGE_EVENTS
from tests.unit.streamer.conftest import ticks


async def test_equal_reads_at_the_same_time_are_made_once(parts, log):
    await parts.write("t1", *ticks(1, 3))
    reads = log.reads
    pages = await asyncio.gather(*(parts.history.page("t1", 1) for _ in range(10)))
    assert ({tuple(f.n for f in page.frames) for page in pages}, log.reads - reads) == ({(1, 2, 3)}, 1)
    await parts.history.page("t1", 1)
    assert log.reads - reads == 2


async def test_a_caller_that_is_cancelled_does_not_cancel_the_read_of_others(parts):
    await parts.write("t1", *ticks(1, 1))
    first, second = (asyncio.ensure_future(parts.history.page("t1", 1)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).end == 1


async def test_the_last_event_is_the_last_that_can_be_decoded(parts, log):
    assert await parts.history.last("t1") is None
    head = await parts.write("t1", *ticks(1, PAGE_EVENTS + 3))
    await log.put("t1", b"{", expected=head.seq, msg_id="bad")
    last = await parts.history.last("t1")
    assert last.n == PAGE_EVENTS + 3
    await log.put("t2", b"{", expected=0, msg_id="bad2")
    assert await parts.history.last("t2") is None


async def test_the_last_progress_is_found_behind_other_events(parts):
    await parts.write("t1", *ticks(1, 2), *(Chunk(text="x", offset=n) for n in range(3)))
    last = await parts.history.last("t1")
    state = await parts.history.progress("t1", last)
    assert (last.n, state.n) == (5, 2)
    assert await parts.history.progress("t1", state) is state
    await parts.write("t2", Chunk(text="x", offset=0))
    assert await parts.history.progress("t2", await parts.history.last("t2")) is None


async def test_a_read_that_fails_is_not_remembered(parts, log):
    await parts.write("t1", *ticks(1, 1))
    log.away = True
    with pytest.raises(UnavailableError):
        await parts.history.page("t1", 1)
    log.away = False
    assert (await parts.history.page("t1", 1)).end == 1
