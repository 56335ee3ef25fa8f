"""How many tasks run at once, of each kind and of all, also while some wait."""

import asyncio

import pytest

from headway_processor.slots import Slots

pytestmark = pytest.mark.looptime


def slots_of(count, **kinds):
    slots = Slots(count)
    for kind, most in kinds.items():
        slots.add(kind, most)
    return slots


async def waits(awaitable):
    """Whether it does not end by itself. It is cancelled then."""
    task = asyncio.ensure_future(awaitable)
    await asyncio.wait({task}, timeout=5)
    if task.done():
        return False
    task.cancel()
    await asyncio.wait({task})
    return True


@pytest.mark.parametrize(("count", "own"), [(2, 9), (9, 2)], ids=["of all kinds", "of the kind"])
async def test_no_more_than_the_slots_are_taken(count, own):
    slots = slots_of(count, k=own)
    first, _ = await slots.take("k"), await slots.take("k")
    assert await waits(slots.take("k"))
    first.end()
    assert not await waits(slots.take("k"))


async def test_a_kind_that_is_full_does_not_hold_others_up():
    slots = slots_of(2, a=1, b=1)
    await slots.take("a")
    second = asyncio.create_task(slots.take("a"))
    await asyncio.sleep(1)
    assert not await waits(slots.take("b"))
    second.cancel()


async def test_a_slot_that_is_lent_is_free_until_it_is_taken_back():
    slots = slots_of(1, k=1)
    parent = await slots.take("k")
    parent.lend()
    parent.lend()
    child = await slots.take("k")
    assert slots.lent == 1
    assert await waits(parent.regain())
    child.end()
    await parent.regain()
    await parent.regain()
    assert slots.lent == 0
    assert await waits(slots.take("k"))


async def test_a_task_that_has_begun_comes_before_those_that_have_not():
    slots = slots_of(1, k=1)
    parent = await slots.take("k")
    parent.lend()
    child = await slots.take("k")
    pulling = asyncio.create_task(slots.take("k"))
    await asyncio.sleep(1)
    back = asyncio.create_task(parent.regain())
    await asyncio.sleep(1)
    child.end()
    await asyncio.sleep(1)
    assert (back.done(), pulling.done()) == (True, False)
    parent.end()
    await pulling


async def test_a_wait_that_is_cancelled_costs_no_slot():
    slots = slots_of(1, k=1)
    held = await slots.take("k")
    waiting = asyncio.create_task(slots.take("k"))
    await asyncio.sleep(1)
    held.end()
    waiting.cancel()  # the slot is its own already
    await asyncio.wait({waiting})
    assert not await waits(slots.take("k"))


async def test_a_task_that_ends_while_it_takes_its_slot_back_keeps_none():
    slots = slots_of(1, k=1)
    parent = await slots.take("k")
    parent.lend()
    child = await slots.take("k")
    back = asyncio.create_task(parent.regain())
    await asyncio.sleep(1)
    parent.end()
    assert slots.lent == 0
    child.end()
    await back
    assert slots.lent == 0
    assert not await waits(slots.take("k"))


async def test_what_is_free_is_taken_at_once_up_to_the_limits():
    slots = slots_of(5, a=3, b=9)
    taken = slots.take_free("a", 2)
    assert len(taken) == 2
    assert len(slots.take_free("a", 9)) == 1
    assert len(slots.take_free("b", 9)) == 2
    assert slots.take_free("b", 9) == slots.take_free("b", -1) == []
    taken[0].end()
    assert len(slots.take_free("a", 9)) == 1
