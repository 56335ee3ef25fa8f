"""Tasks that consist of others, and tasks that wait for others."""

import asyncio

import pytest

from headway import codec
from headway.errors import UnavailableError
from headway.eventlog.chain import Chain, read_head
from headway.events import Cancel, Deleted, ErrorInfo
from headway.records import TaskRecord
from headway.reporting.roll_up import Batched, RollUp, summed
from headway.testing import MemoryBucket, MemoryLog, progress

pytestmark = pytest.mark.looptime
BROKEN = progress("error", error=ErrorInfo("ValueError", "broken", traceback="File"))


class Bench:
    """Stores in memory."""

    def __init__(self):
        self.log, self.records = MemoryLog(), MemoryBucket()
        self.roll_up = RollUp(self.log, self.records)

    def record(self, task, parent="", after=(), children=(), reported=True):
        record = TaskRecord(task=task, kind="k", created=1.0, parent=parent, reported=reported, owner="ann")
        record.after, record.children = list(after), list(children)
        self.records.set(task, codec.encode_json(record))

    async def append(self, task, *events, attempt=1):
        for event in events:
            chain = Chain(self.log, task, await read_head(self.log, task), attempt=attempt)
            await chain.append(event)

    async def end(self, task, event, parent):
        await self.append(task, event)
        await self.roll_up.update(parent)

    def last(self, task):
        events = self.log.events(task)
        return (events[-1].status, events[-1].done) if events else None


@pytest.fixture
async def bench():
    return Bench()


async def group(bench, size=3):
    members = [f"m{number}" for number in range(size)]
    bench.record("g", children=members)
    await bench.append("g", progress("queued"), attempt=0)
    return members


async def test_a_group_counts_its_members_and_ends_with_their_results_in_their_order(bench):
    members = await group(bench)
    for count, (member, result) in enumerate(zip(reversed(members), ["c", "b", "a"], strict=True), start=1):
        await bench.end(member, progress("completed", data=result), "g")
        assert bench.last("g") == ("completed" if count == 3 else "processing", float(count))
    assert bench.log.events("g")[-1].data == ["a", "b", "c"]


async def test_what_is_known_already_is_not_stored_again(bench):
    await group(bench)
    await bench.roll_up.update("g")
    assert len(bench.log.events("g")) == 1
    for _ in range(3):
        await bench.append("m1", progress("processing", percent=40.0))
        await bench.roll_up.update("g")
    await bench.end("m0", progress("completed"), "g")
    await bench.roll_up.update("g")
    assert [event.status for event in bench.log.events("g")] == ["queued", "processing"]


async def test_a_group_with_a_failed_member_ends_in_its_error_when_all_have_ended(bench):
    members = await group(bench)
    await bench.end(members[0], BROKEN, "g")
    assert bench.log.events("g")[-1].message == "1 of 3 tasks were not successful"
    await bench.end(members[1], progress("cancelled"), "g")
    await bench.end(members[2], progress("completed"), "g")
    last = bench.log.events("g")[-1]
    assert (last.status, last.error.type, last.error.traceback) == ("error", "ValueError", "")
    assert last.error.message == "2 of 3 tasks were not successful; broken"


async def test_many_at_the_same_time_store_one_end_and_never_go_back(bench):
    members = await group(bench, 50)
    await asyncio.gather(*(bench.end(member, progress("completed"), "g") for member in members))
    counts = [event.done or 0 for event in bench.log.events("g")]
    assert counts == sorted(counts)
    assert [event.status for event in bench.log.events("g")].count("completed") == 1


async def test_a_member_whose_task_was_deleted_counts_as_done(bench):
    await group(bench, 1)
    await bench.append("m0", Deleted())
    await bench.roll_up.update("g")
    assert bench.last("g") == ("completed", 1.0)


async def test_results_that_are_too_large_together_are_left_out(bench):
    members = await group(bench, 2)
    for member in members:
        await bench.end(member, progress("completed", data="x" * 100_000), "g")
    assert bench.log.events("g")[-1].data is codec.msgspec.UNSET


async def test_a_cancelled_group_gets_nothing_more_but_its_end(bench):
    members = await group(bench, 2)
    await bench.append("g", Cancel(reason="enough"), attempt=0)
    await bench.end(members[0], progress("completed"), "g")
    assert isinstance(bench.log.events("g")[-1], Cancel)
    await bench.end(members[1], progress("cancelled"), "g")
    assert bench.last("g") == ("cancelled", 2.0)


async def test_the_last_task_of_a_chain_shows_how_many_are_done_until_it_begins(bench):
    bench.record("c", after=["a", "b"])
    await bench.append("c", progress("queued"), attempt=0)
    await bench.append("b", progress("processing", message="resizing"))
    await bench.end("a", progress("completed"), "c")
    last = bench.log.events("c")[-1]
    assert (last.status, last.done, last.total, last.message, last.attempt) == ("queued", 1, 2, "resizing", 0)
    await bench.append("c", progress("processing"))
    await bench.end("b", progress("completed"), "c")
    assert bench.last("c") == ("processing", None)


async def test_a_failure_ends_the_rest_of_a_chain_whatever_it_consists_of(bench):
    """a → (m0 m1) → b → c: the group is before b."""
    bench.record("c", after=["a", "b"])
    bench.record("b", parent="c", after=["g"])
    bench.record("g", parent="b", children=["m0", "m1"])
    for task in ("a", "b", "c", "g", "m0", "m1"):
        await bench.append(task, progress("queued"), attempt=0)
    await bench.end("a", BROKEN, "c")
    for task in ("b", "c", "g", "m0", "m1"):
        (last,) = bench.log.events(task)[1:]
        assert (last.status, last.error.type) == ("error", "ValueError"), task
        assert last.message == "it never began: a task before it was not successful: broken"
    await bench.roll_up.update("c")
    assert len(bench.log.events("c")) == 2


async def test_a_chord_ends_with_its_header_and_so_does_what_waits_for_the_chord(bench):
    bench.record("d", after=["b"])
    bench.record("b", parent="d", after=["g"])
    bench.record("g", parent="b", children=["m0", "m1"])
    await bench.end("m0", progress("cancelled", message="no more"), "g")
    assert bench.last("b") is None
    await bench.end("m1", progress("completed"), "g")
    assert [bench.last(task)[0] for task in ("g", "b", "d")] == ["cancelled"] * 3


async def test_a_group_after_a_failed_task_never_begins(bench):
    bench.record("g", after=["a"], children=["m0"])
    await bench.append("g", progress("queued"), attempt=0)
    await bench.end("a", BROKEN, "g")
    assert [bench.last(task)[0] for task in ("g", "m0")] == ["error", "error"]


async def test_other_tasks_are_left_alone(bench):
    bench.record("plain")
    bench.record("foreign", children=["m0"], reported=False)
    bench.records.set("malformed", b"{")
    for task in ("plain", "foreign", "malformed", "unknown", ""):
        await bench.end("m0", progress("processing"), task)
    assert [bench.log.events(task) for task in ("plain", "foreign", "malformed", "unknown")] == [[]] * 4


async def test_parents_that_are_each_others_come_to_an_end(bench):
    bench.record("a", parent="b", children=["m"])
    bench.record("b", parent="a", children=["a"])
    await bench.end("m", progress("completed"), "a")
    assert bench.last("b") == ("completed", 1.0)


async def test_updates_of_the_same_time_are_one(bench):
    members = await group(bench)
    batched = Batched(bench.roll_up)
    for member in members:
        await bench.append(member, progress("completed"))
    await asyncio.gather(*(batched.update("g") for _ in members))
    assert [event.status for event in bench.log.events("g")] == ["queued", "completed"]
    bench.log.away = True
    with pytest.raises(UnavailableError):
        await batched.update("g")
    bench.log.away = False
    await batched.update("g")


def test_a_sum_is_at_most_99_9_percent_before_its_end():
    assert summed([progress("completed")] * 2999, 3000).progress == 99.9
