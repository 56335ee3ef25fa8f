"""Reported tasks end as lost when their reporter has vanished, and never for another reason."""

import asyncio

import pytest

from headway import codec
from headway.errors import EndedError, UnavailableError
from headway.eventlog.chain import EMPTY, Chain, read_head
from headway.events import Cancel
from headway.jetstream.kv import Entry
from headway.ownership import Ownership
from headway.records import ReporterRecord, TaskRecord
from headway.testing import MemoryBucket, MemoryLog, progress
from headway_processor.lost_reports import LostReports, Stores

pytestmark = pytest.mark.looptime
MINE = Ownership("ann", "acme")


class Leases:
    """Leases in memory, in the order of their sequences."""

    def __init__(self):
        self.entries, self.seq, self.away = {}, 0, False

    def renew(self, reporter, *tasks, raw=None, lost_seconds=None):
        self.seq += 1
        record = ReporterRecord(dict.fromkeys(tasks, 1), lost_seconds)
        value = codec.encode_json(record) if raw is None else raw
        self.entries[reporter] = Entry(self.seq, reporter, value)

    async def page(self, start):
        if self.away:
            raise UnavailableError("unreachable")
        found = sorted(entry for entry in self.entries.values() if entry.seq >= start)
        return found[:2]

    async def purge(self, reporter, seq):
        if self.entries[reporter].seq <= seq:
            del self.entries[reporter]


class Bench:
    """Processors that look after the leases."""

    def __init__(self):
        self.log, self.records, self.leases = MemoryLog(), MemoryBucket(), Leases()
        self.watching = []

    def processor(self):
        stores = Stores(self.log, self.leases, self.records, self.leases.purge)
        self.watching.append(asyncio.create_task(LostReports(stores, 60.0).keep_ended()))

    async def reported(self, task, *events, reported=True):
        record = TaskRecord(task=task, kind="k", created=1.0, owner="ann", tenant="acme", reported=reported)
        self.records.set(task, codec.encode_json(record))
        chain = Chain(self.log, task, EMPTY._replace(ownership=MINE), attempt=1)
        for event in events:
            await chain.append(event)
        return chain

    def ends(self, task):
        return [(event.status, event.error and event.error.type) for event in self.log.events(task)[1:]]


@pytest.fixture
async def bench():
    made = Bench()
    yield made
    for task in made.watching:
        task.cancel()


async def test_tasks_end_once_when_their_lease_is_not_renewed_and_late_events_are_refused(bench):
    chains = [await bench.reported(task, progress(percent=40.0)) for task in ("a", "b")]
    await bench.reported("never-begun")
    bench.leases.renew("r", "a", "b", "never-begun", "unknown")
    for _ in range(3):
        bench.processor()
    await asyncio.sleep(50)
    assert bench.ends("a") == []
    await asyncio.sleep(30)
    assert bench.ends("a") == bench.ends("b") == [("error", "Lost")]
    assert bench.log.events("a")[-1].progress == 40.0
    assert [event.status for event in bench.log.events("never-begun")] == ["error"]
    assert {stored.ownership for stored in await bench.log.read("a")} == {MINE}
    assert bench.leases.entries == {}
    with pytest.raises(EndedError):
        await chains[0].append(progress(percent=50.0))


async def test_a_lease_that_is_renewed_is_not_lost(bench):
    await bench.reported("a", progress())
    bench.processor()
    for _ in range(10):
        bench.leases.renew("r", "a")
        await asyncio.sleep(50)
    assert bench.ends("a") == []


async def test_a_task_that_another_worker_has_taken_up_is_not_lost_with_the_first(bench):
    await bench.reported("a", progress())
    bench.leases.renew("r", "a")
    await Chain(bench.log, "a", await read_head(bench.log, "a"), attempt=2).begin(progress())
    bench.processor()
    await asyncio.sleep(80)
    assert bench.ends("a") == [("processing", None)]
    assert bench.leases.entries == {}


async def test_a_task_that_waits_in_its_queue_for_another_attempt_is_not_lost(bench):
    await bench.reported("a", progress(), progress("retrying"))
    bench.leases.renew("r", "a")
    bench.processor()
    await asyncio.sleep(80)
    assert bench.ends("a") == [("retrying", None)]


async def test_a_lease_may_have_a_time_of_its_own_and_an_empty_one_is_removed_when_it_is_seen(bench):
    for task in ("short", "long"):
        await bench.reported(task, progress())
    bench.leases.renew("r1", "short", lost_seconds=15.0)
    bench.leases.renew("r2", "long", lost_seconds=600.0)
    bench.leases.renew("r3")
    bench.processor()
    await asyncio.sleep(1)
    assert bench.leases.entries.keys() == {"r1", "r2"}
    await asyncio.sleep(29)
    assert (bench.ends("short"), bench.ends("long")) == ([("error", "Lost")], [])
    assert "15 s" in bench.log.events("short")[-1].message
    await asyncio.sleep(560)
    assert bench.ends("long") == []
    await asyncio.sleep(30)
    assert bench.ends("long") == [("error", "Lost")]


async def test_an_outage_of_nats_ends_nothing(bench):
    await bench.reported("a", progress())
    bench.leases.renew("r", "a")
    bench.processor()
    await asyncio.sleep(50)
    bench.leases.away = True
    await asyncio.sleep(500)
    bench.leases.away = False
    await asyncio.sleep(50)
    assert bench.ends("a") == []
    await asyncio.sleep(30)
    assert bench.ends("a") == [("error", "Lost")]


async def test_a_request_to_cancel_that_nobody_noticed_is_followed_by_the_end(bench):
    await bench.reported("a", progress())
    await Chain(bench.log, "a", await read_head(bench.log, "a")).append(Cancel(reason="enough"))
    bench.leases.renew("r", "a")
    bench.processor()
    await asyncio.sleep(80)
    assert bench.log.events("a")[-1].error.type == "Lost"


@pytest.mark.parametrize("case", ["ended", "not reported", "no record", "malformed lease", "empty lease"])
async def test_nothing_else_is_ended_and_the_lease_is_removed(bench, case):
    events = [progress(), progress("completed", 100.0)] if case == "ended" else [progress()]
    await bench.reported("a", *events, reported=case != "not reported")
    if case == "no record":
        bench.records.set("a", b"{")
    before = len(bench.log.events("a"))
    tasks = [] if case == "empty lease" else ["a"]
    bench.leases.renew("r", *tasks, raw=b"{" if case == "malformed lease" else None)
    bench.processor()
    await asyncio.sleep(80)
    assert len(bench.log.events("a")) == before
    assert bench.leases.entries == {}


async def test_a_lease_that_is_renewed_at_the_last_moment_stays(bench):
    bench.leases.renew("r", "a")
    stale = bench.leases.entries["r"]
    bench.leases.renew("r", "a", "b")
    await bench.leases.purge("r", stale.seq)
    assert "r" in bench.leases.entries
