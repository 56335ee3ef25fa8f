"""A task that begins later, unless it is stopped before."""

import asyncio

import pytest

from headway.service.delayed_task import DelayedTask

pytestmark = pytest.mark.looptime


class Work:
    """Counts how often it begins and ends."""

    def __init__(self):
        self.begun = self.ended = 0

    async def __call__(self):
        self.begun += 1
        try:
            await asyncio.sleep(100)
        finally:
            self.ended += 1


async def test_what_is_stopped_before_its_time_never_begins():
    work = Work()
    task = DelayedTask(1.0, work, name="work")
    await asyncio.sleep(0.9)
    await task.stop()
    await asyncio.sleep(10)
    assert work.begun == 0


async def test_what_has_begun_is_cancelled_and_waited_for():
    work = Work()
    task = DelayedTask(1.0, work, name="work")
    await asyncio.sleep(1.1)
    assert (work.begun, work.ended) == (1, 0)
    await task.stop()
    assert (work.begun, work.ended) == (1, 1)


async def test_what_is_stopped_as_it_begins_is_over_when_stop_returns():
    work = Work()
    task = DelayedTask(0.0, work, name="work")
    await asyncio.sleep(0)
    await task.stop()
    await asyncio.sleep(10)
    assert work.begun == work.ended
