"""Functions in place of the tasks that processors run."""

import asyncio

import pytest

from headway.errors import ChildFailedError
from headway.testing import MemoryLog, start_job

pytestmark = pytest.mark.looptime


async def slow(params):
    await asyncio.sleep(10)
    return "slow"


@pytest.fixture
async def job():
    made = start_job(MemoryLog(), children={"plain": lambda params: params, "slow": slow})
    yield made
    await made.abort()


async def test_a_function_or_a_coroutine_function_runs_as_a_child(job):
    children = [await job.submit("plain", {"a": 1}), await job.submit("slow")]
    assert await job.gather(*children) == [{"a": 1}, "slow"]


async def test_a_child_that_is_cancelled_ends(job):
    child = await job.submit("slow")
    await asyncio.sleep(1)
    await child.cancel("enough")
    with pytest.raises(ChildFailedError, match="was cancelled: enough"):
        await child


async def test_a_child_that_is_cancelled_before_it_begins_does_not_run(job):
    child = await job.submit("slow")
    await child.cancel("at once")
    with pytest.raises(ChildFailedError, match="at once"):
        await child
