"""A read of what a tail is missing."""

import asyncio

import pytest

from headway.errors import UnavailableError
from headway_streamer.tail.history import EventPage
from headway_streamer.tail.refill import MAX_BUFFERED, Refill

pytestmark = pytest.mark.looptime


async def test_pages_are_taken_until_there_are_no_more_however_often_nats_fails():
    answers = [UnavailableError("lost"), EventPage((), 5), UnavailableError("lost"), EventPage((), 9), EventPage((), 0)]
    taken, ended = [], []

    async def next_page():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    refill = Refill()
    assert not refill.reading
    refill.start(next_page, lambda page: taken.append(page.end), lambda: ended.append(True))
    assert refill.reading
    await asyncio.sleep(5)
    assert (taken, ended, refill.reading) == ([5, 9, 0], [True], False)


async def test_messages_are_kept_up_to_a_bound():
    refill = Refill()
    for seq in range(MAX_BUFFERED + 5):
        refill.keep(seq, seq - 1, b"x")
    assert (len(refill.messages), refill.messages[-1][0]) == (MAX_BUFFERED, MAX_BUFFERED - 1)
    await refill.cancel()


async def test_a_cancelled_refill_ends_at_once():
    async def never():
        await asyncio.Event().wait()

    refill = Refill()
    refill.start(never, lambda page: None, lambda: None)
    await refill.cancel()
    assert not refill.reading
