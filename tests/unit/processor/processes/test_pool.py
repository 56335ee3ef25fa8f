"""Processes are kept while they are idle, and replaced when they are worn."""

import pytest

from headway_processor.processes.errors import ProcessStartError
from headway_processor.processes.pool import Pool
from tests.unit.processor.processes.fake_process import FakeProcess, idle, script


class Spawner:
    """Makes fake processes."""

    def __init__(self):
        self.made = []

    async def __call__(self):
        self.made.append(FakeProcess(script()))
        return self.made[-1]


@pytest.fixture
def spawner():
    return Spawner()


def pool_of(spawner, tasks=0, memory_bytes=0):
    return Pool(spawner, tasks=tasks, memory_bytes=memory_bytes)


async def test_an_idle_process_runs_the_next_handler(spawner):
    pool = pool_of(spawner)
    first = await pool.take()
    second = await pool.take()
    assert first is not second
    pool.give_back(first, idle())
    assert await pool.take() is first
    assert len(spawner.made) == 2


async def test_a_process_that_ended_while_it_was_idle_is_not_used(spawner):
    pool = pool_of(spawner)
    first = await pool.take()
    pool.give_back(first, idle())
    first.killed = True
    assert await pool.take() is not first


@pytest.mark.parametrize(
    ("options", "end"),
    [
        ({"tasks": 1}, idle()),
        ({"memory_bytes": 100}, idle(101)),
        ({}, idle(worn=True)),
    ],
    ids=["many tasks", "much memory", "worn"],
)
async def test_a_worn_process_is_replaced(spawner, options, end):
    pool = pool_of(spawner, **options)
    first = await pool.take()
    pool.give_back(first, end)
    assert await pool.take() is not first
    await pool.close()
    assert (first.closed, first.killed) == (True, False)


async def test_a_process_below_its_bounds_is_kept(spawner):
    pool = pool_of(spawner, tasks=2, memory_bytes=100)
    first = await pool.take()
    pool.give_back(first, idle(100))
    assert await pool.take() is first


async def test_a_process_whose_handler_did_not_end_is_killed(spawner):
    pool = pool_of(spawner)
    first = await pool.take()
    pool.give_back(first, None)
    assert first.killed
    await pool.close()


async def test_all_idle_processes_end_with_the_pool(spawner):
    pool = pool_of(spawner)
    taken = [await pool.take() for _ in range(3)]
    for process in taken:
        pool.give_back(process, idle())
    await pool.close()
    assert all(process.closed for process in taken)


async def test_a_process_that_cannot_start_says_why():
    async def spawn():
        raise ProcessStartError("no module named nothing")

    with pytest.raises(ProcessStartError, match="nothing"):
        await pool_of(spawn).take()
