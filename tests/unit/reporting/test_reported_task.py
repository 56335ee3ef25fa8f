"""The life of a task that no processor runs, on stores in memory."""

import asyncio
import threading

import pytest

from headway.errors import CancelRequestedError, EndedError
from headway.eventlog.chain import Chain, read_head
from headway.events import Cancel, Chunk, LogLine, Progress
from headway.outbox import Home
from headway.ownership import Ownership
from headway.progress.pending import Room
from headway.records import TaskRecord, decode_task
from headway.reporting.reported_task import ReportedTask, Stores
from headway.reporting.roll_up import RollUp
from headway.testing import MemoryBucket, MemoryLog, progress
from headway.values.results import MAX_RESULT_BYTES

pytestmark = pytest.mark.looptime
RECORD = TaskRecord(task="t1", kind="k", created=1.0, owner="ann", tenant="acme", title="T", reported=True)


class Lease:
    """Notes which tasks it holds, and what is stored when it takes one."""

    def __init__(self, records):
        self.tasks, self.records = set(), records

    async def add(self, task, attempt):
        assert task in self.tasks or task not in self.records._entries
        self.tasks.add(task)

    def remove(self, task):
        self.tasks.discard(task)


class Bench:
    """One task and what it is stored in."""

    def __init__(self, *, room_chars=1000):
        self.log, self.records = MemoryLog(), MemoryBucket()
        self.stops = []
        self.room, self.lease = Room(room_chars), Lease(self.records)
        self.task = ReportedTask(
            RECORD,
            Stores(self.log, self.records, self.lease, RollUp(self.log, self.records)),
            self.stops.append,
            home=Home(asyncio.get_running_loop(), threading.get_ident()),
            room=self.room,
        )
        self.task.stored = asyncio.ensure_future(self.task.run())

    @property
    def job(self):
        return self.task.job

    def events(self, kind=Progress):
        return [event for event in self.log.events("t1") if isinstance(event, kind)]

    def statuses(self):
        return list(dict.fromkeys(event.status for event in self.events()))

    async def ended(self, *end):
        self.task.end(*(end or ("completed",)))
        await self.task.stored


@pytest.fixture
async def bench():
    return Bench()


async def begun(bench):
    while not bench.log.events("t1"):
        await asyncio.sleep(0.01)
    return bench


async def test_a_task_has_a_record_events_with_its_owner_and_one_terminal_event(bench):
    bench.job.update(50, "half")
    bench.job.set_result({"rows": 3})
    await bench.ended()
    assert decode_task(await bench.records.get("t1"), "t1") == RECORD
    assert {stored.ownership for stored in await bench.log.read("t1")} == {Ownership("ann", "acme")}
    assert bench.statuses() == ["processing", "completed"]
    assert bench.lease.tasks == set()
    last = bench.events()[-1]
    assert (last.data, last.progress, last.attempt) == ({"rows": 3}, 100.0, 1)


async def test_an_end_that_comes_before_nats_is_reached_is_stored_after_it():
    bench = Bench()
    bench.log.away = bench.records.away = True
    bench.job.step("one")
    bench.job.log("a line")
    bench.task.end("error", "no")
    await asyncio.sleep(30)
    assert not bench.task.stored.done()
    bench.log.away = bench.records.away = False
    await bench.task.stored
    assert bench.statuses() == ["processing", "error"]
    assert [line.message for line in bench.events(LogLine)] == ["a line"]


async def test_what_finds_no_room_is_counted_and_nobody_waits():
    bench = Bench(room_chars=100)
    bench.log.away = True
    bench.job.chunk("x" * 100)
    bench.job.chunk("y" * 50)
    bench.job.log("z")
    assert bench.job.stopped is None
    bench.log.away = False
    await bench.ended()
    assert "".join(chunk.text for chunk in bench.events(Chunk)) == "x" * 100
    assert [line.message for line in bench.events(LogLine)] == [
        "50 more characters of output left out",
        "1 more lines left out",
    ]
    assert bench.room.left
    assert bench.room._taken == 0


async def test_a_request_to_cancel_stops_the_job_and_its_end_follows(bench):
    await begun(bench)
    assert bench.lease.tasks == {"t1"}
    await Chain(bench.log, "t1", await read_head(bench.log, "t1")).append(Cancel(reason="enough"))
    while not bench.stops:
        await asyncio.sleep(0.01)
    assert isinstance(bench.stops[0], CancelRequestedError)
    assert bench.job.cancelled
    await bench.ended("cancelled", "cancelled: enough")
    assert bench.statuses() == ["processing", "cancelled"]


async def test_nothing_is_stored_after_an_end_by_others_and_the_room_is_given_back(bench):
    await begun(bench)
    await Chain(bench.log, "t1", await read_head(bench.log, "t1"), attempt=1).append(progress("error"))
    bench.job.chunk("late")
    while not bench.stops:
        await asyncio.sleep(0.01)
    assert isinstance(bench.stops[0], EndedError)
    bench.job.chunk("later")
    await bench.ended()
    assert bench.statuses() == ["processing", "error"]
    assert bench.events(Chunk) == []
    assert bench.room._taken == 0


async def test_a_task_that_was_cancelled_before_it_began_is_not_begun():
    bench = Bench()
    bench.log.away = True
    await asyncio.sleep(1)
    bench.log.away = False
    await Chain(bench.log, "t1", attempt=0, patient=False).append(progress("cancelled"))
    await bench.ended()
    assert bench.statuses() == ["cancelled"]
    assert isinstance(bench.stops[0], EndedError)


async def test_a_large_result_is_left_out_and_the_log_says_so(bench):
    bench.job.set_result("x" * MAX_RESULT_BYTES)
    await bench.ended()
    assert (bench.events()[-1].status, bench.events()[-1].data) == ("completed", None)
    assert "131,074 bytes" in bench.events(LogLine)[0].message


async def test_only_the_first_end_counts_and_parts_without_json_are_named(bench):
    bench.job.set_result({"a": object()})
    bench.task.end("completed")
    await bench.ended("error", "no")
    assert bench.statuses() == ["processing", "completed"]
    assert "have no JSON form" in bench.events(LogLine)[0].message
