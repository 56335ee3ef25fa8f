"""The lease of a process holds each of its tasks before anything else of it is stored."""

import asyncio

import msgspec
import pytest

from headway.errors import UnavailableError
from headway.records import ReporterRecord
from headway.reporting.reporter_lease import ReporterLease

pytestmark = pytest.mark.looptime


class Entries:
    """A bucket that takes a second for each write."""

    def __init__(self):
        self.written, self.away = [], False

    async def put(self, key, value):
        await asyncio.sleep(1)
        if self.away:
            raise UnavailableError("unreachable")
        self.written.append((key, msgspec.json.decode(value, type=ReporterRecord).attempts))

    @property
    def tasks(self):
        return [sorted(attempts) for _, attempts in self.written]


@pytest.fixture
async def entries():
    return Entries()


@pytest.fixture
async def lease(entries):
    return ReporterLease(entries, 10.0)


async def test_tasks_that_begin_at_the_same_time_share_a_write(entries, lease):
    await lease.add("a", 1)
    await asyncio.gather(*(lease.add(f"b{n}", 1) for n in range(20)))
    assert entries.tasks == [["a"], sorted(["a", *(f"b{n}" for n in range(20))])]


async def test_it_is_renewed_while_there_are_tasks_and_ends_empty(entries, lease):
    await lease.add("a", 1)
    await asyncio.sleep(35)
    assert entries.tasks == [["a"]] * 4
    lease.remove("a")
    await asyncio.sleep(60)
    assert entries.tasks == [*[["a"]] * 4, []]
    assert len({key for key, _ in entries.written}) == 1
    await lease.add("c", 1)
    assert entries.tasks[-1] == ["c"]
    await asyncio.sleep(15)
    assert entries.tasks[-2:] == [["c"], ["c"]]


async def test_a_task_waits_however_long_nats_is_unreachable(entries, lease):
    entries.away = True
    adding = asyncio.create_task(lease.add("a", 1))
    await asyncio.sleep(300)
    assert not adding.done()
    entries.away = False
    await adding
    assert entries.tasks[-1] == ["a"]


async def test_a_task_that_gives_up_does_not_stop_the_write_for_others(entries, lease):
    first, second = asyncio.create_task(lease.add("a", 1)), asyncio.create_task(lease.add("b", 1))
    await asyncio.sleep(0.5)
    first.cancel()
    await second
    assert "b" in entries.tasks[-1]


async def test_it_holds_the_latest_attempt_at_a_task(entries, lease):
    await lease.add("a", 1)
    await lease.add("a", 2)
    assert [attempts for _, attempts in entries.written] == [{"a": 1}, {"a": 2}]
