"""A slot is lent while a handler waits, and taken back after it."""

import asyncio

import pytest

from headway.children.waits import NoSlot, Waits

pytestmark = pytest.mark.looptime


class Slot:
    """A slot that takes a second to come back."""

    def __init__(self):
        self.held = True
        self.regained = 0

    def lend(self):
        self.held = False

    async def regain(self):
        if not self.held:
            await asyncio.sleep(1)
            self.held = True
            self.regained += 1


@pytest.fixture
def slot():
    return Slot()


def waits(slot, *, stopped=False):
    return Waits(slot, lambda: stopped)


async def test_it_is_lent_within_the_block(slot):
    async with waits(slot).wait():
        assert not slot.held
    assert slot.held


async def test_it_is_taken_back_when_the_last_wait_ends(slot):
    own = waits(slot)
    async with own.wait():
        async with own.wait():
            pass
        assert (slot.held, slot.regained) == (False, 0)
    assert (slot.held, slot.regained) == (True, 1)


async def test_it_is_lent_again_if_a_wait_begins_while_it_is_taken_back(slot):
    own = waits(slot)

    async def later():
        await asyncio.sleep(0.5)
        async with own.wait():
            await asyncio.sleep(5)
            assert not slot.held

    other = asyncio.create_task(later())
    async with own.wait():
        pass
    assert not slot.held  # the other wait lasts
    await other
    assert slot.held


async def test_it_is_taken_back_after_an_error_and_after_a_timeout_of_the_handler(slot):
    with pytest.raises(ValueError, match="x"):
        async with waits(slot).wait():
            raise ValueError("x")
    assert slot.held
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1), waits(slot).wait():
            await asyncio.Event().wait()
    assert (slot.held, slot.regained) == (True, 2)


async def test_a_handler_that_should_end_gets_no_turn(slot):
    async with waits(slot, stopped=True).wait():
        pass
    assert not slot.held


async def test_without_slots_nothing_is_waited_for():
    async with waits(NoSlot()).wait():
        pass
