"""Admission of tasks to one processor, in virtual time."""

import asyncio

import pytest

from headway_processor.admission import Admission
from headway_processor.suspects import Suspect

pytestmark = pytest.mark.looptime


def noop():
    pass


FRESH, ONCE, TWICE = Suspect(0), Suspect(1), Suspect(2)


@pytest.fixture
def admission():
    return Admission(lambda: asyncio.get_running_loop().time())


def later(seconds, call):
    asyncio.get_running_loop().call_later(seconds, call)


async def enter(admission, suspect, hand_back=noop, leaving=None):
    return await admission.enter(suspect, hand_back, leaving)


async def test_suspect_waits_until_what_runs_has_proved_itself_and_nothing_begins_meanwhile(admission, looptime):
    await enter(admission, FRESH)
    waiting = asyncio.create_task(enter(admission, TWICE))
    await asyncio.sleep(1)
    assert admission.closed
    assert await enter(admission, FRESH) is await enter(admission, TWICE) is None
    place = await waiting
    assert 4.0 <= looptime < 4.1
    assert (place.alone, place.trial_seconds, admission.closed) == (True, 4.0, True)


async def test_suspect_begins_as_soon_as_the_others_have_ended(admission, looptime):
    place = await enter(admission, FRESH)
    later(2, place.leave)
    assert await enter(admission, TWICE)
    assert looptime == 2


async def test_processor_is_open_again_when_the_trial_is_over(admission, looptime):
    place = await enter(admission, TWICE)
    later(3, place.pass_trial)
    await admission.opened()
    assert looptime == 3
    assert await enter(admission, FRESH)
    place.leave()  # what has passed its trial passes it once
    assert await enter(admission, ONCE)
    assert await enter(admission, ONCE)
    assert await enter(admission, ONCE) is None


async def test_others_are_handed_back_for_the_last_chance_of_a_task(admission, looptime):
    def hand_back():
        if looptime < 4.3:
            later(0.5, place.leave)

    place = await enter(admission, FRESH, hand_back)
    assert await enter(admission, Suspect(2, last_chance=True))
    assert 4.4 < looptime < 4.7


async def test_suspects_run_beside_others_for_some_time_after_one_was_given_up(admission, looptime):
    place = await enter(admission, FRESH)
    admission.acquit()
    beside = await enter(admission, TWICE)
    assert (beside.alone, looptime == 0) == (False, True)
    place.leave()
    beside.leave()
    await asyncio.sleep(301)
    assert (await enter(admission, TWICE)).alone


async def test_suspect_that_is_blamed_is_the_next(admission, looptime):
    place = await enter(admission, TWICE)
    later(3, place.leave)
    assert await enter(admission, TWICE) is None
    assert await enter(admission, Suspect(2, blamed=True))
    assert looptime == 3


async def test_twice_as_many_suspects_run_after_each_that_has_passed_until_a_minute_without_any(admission):
    begun = []
    for count in (1, 2, 4):
        places = []
        while place := await enter(admission, ONCE):
            places.append(place)
        begun.append((count, len(places)))
        for place in places:
            place.pass_trial()
    assert begun == [(1, 1), (2, 2), (4, 4)]
    await asyncio.sleep(61)
    assert await enter(admission, ONCE)
    assert await enter(admission, ONCE) is None


async def test_suspect_that_waits_leaves_at_a_shutdown(admission, looptime):
    await enter(admission, FRESH)
    leaving = asyncio.Event()
    later(1, leaving.set)
    assert await enter(admission, TWICE, leaving=leaving) is None
    assert (looptime, admission.closed) == (1, False)


async def test_processor_admits_without_a_clock_of_a_test():
    assert await Admission().enter(TWICE, noop)
