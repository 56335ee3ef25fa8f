"""A task ends with its parent, and its children end with it."""

import asyncio

import pytest

from headway import codec
from headway.errors import TaskError
from headway.eventlog.cancel_request import request_cancel
from headway.eventlog.chain import Chain, read_head
from headway.records import JobMessage, KindRecord
from headway.testing import progress
from headway_processor.attempts.family import parent_ended, read_parent
from tests.unit.processor.conftest import statuses

pytestmark = pytest.mark.looptime

CHILD = codec.encode_json(JobMessage(task="t1", kind="k", parent="p1", depth=1))


async def append(bench, task, *events, attempt=1):
    for event in events:
        await Chain(bench.log, task, await read_head(bench.log, task), attempt=attempt).append(event)


@pytest.fixture
def family(bench):
    bench.kinds.set("k", codec.encode_json(KindRecord(kind="k")))
    return bench


async def child_of(bench, status="processing"):
    """Wait for the child of the bench's task, and begin or end it as a processor would."""
    while not bench.jobs.jobs:
        await asyncio.sleep(0.1)
    [child] = bench.jobs.jobs
    await append(bench, child, progress(status))
    return child


async def test_a_child_does_not_begin_when_its_parent_has_ended(bench):
    await append(bench, "p1", progress("error"))
    assert await bench.run(lambda job: None, payload=CHILD) == ["ack"]
    assert (statuses(bench), bench.last.message) == (["cancelled"], "cancelled: its parent has ended: error")


@pytest.mark.parametrize("status", ["completed", "error", "cancelled"])
async def test_a_child_that_runs_is_cancelled_when_its_parent_ends(bench, status):
    async def handler(job):
        await append(bench, "p1", progress(), progress(status))
        await asyncio.Event().wait()

    assert await bench.run(handler, payload=CHILD) == ["ack"]
    assert (bench.last.status, bench.last.message) == ("cancelled", f"cancelled: its parent has ended: {status}")


async def test_a_child_continues_while_its_parent_is_tried_again(bench):
    async def handler(job):
        await append(bench, "p1", progress(), progress("retrying"))
        await asyncio.sleep(30)
        return "done"

    await bench.run(handler, payload=CHILD)
    assert bench.last.status == "completed"


async def test_the_parent_of_a_child_is_looked_up(bench):
    assert await read_parent(bench.log, "p1") == (0, "")
    await append(bench, "p1", progress())
    assert await read_parent(bench.log, "p1") == (1, "")
    waiting = asyncio.create_task(parent_ended(bench.log, "p1", 1))
    await asyncio.sleep(1)
    await bench.log.put("p1", b"?", expected=(await bench.log.last("p1")).seq, msg_id="x")
    await append(bench, "p1", progress("completed"))
    ended = await waiting
    assert ended == (await read_parent(bench.log, "p1")).ended == await parent_ended(bench.log, "p1", 0)


async def test_a_handler_that_returns_ends_after_its_children(family):
    async def handler(job):
        await job.submit("k")
        return 1

    running = asyncio.create_task(family.run(handler))
    child = await child_of(family)
    await asyncio.sleep(100)
    assert not running.done()
    await append(family, child, progress("completed", 100.0))
    await running
    assert (family.last.status, family.last.data) == ("completed", 1)


async def test_a_child_that_nobody_waited_for_fails_the_task(family):
    async def handler(job):
        await job.submit("k")

    running = asyncio.create_task(family.run(handler, retries=3))
    child = await child_of(family, "error")
    await running
    assert (family.last.status, family.last.error.type) == ("error", "ChildFailed")
    assert child in family.last.error.message


async def test_the_time_limit_of_a_task_holds_while_it_waits_for_children(family):
    async def handler(job):
        await job.submit("k")
        await asyncio.sleep(6)

    begun = asyncio.get_running_loop().time()
    running = asyncio.create_task(family.run(handler, timeout=10.0))
    child = await child_of(family)
    await until_cancel(family, child)
    assert asyncio.get_running_loop().time() - begun == pytest.approx(10.0, abs=0.2)
    await append(family, child, progress("cancelled"))
    await running
    assert (family.last.status, family.last.error.message) == ("error", "took longer than 10 s")


async def until_cancel(bench, child):
    while getattr(bench.log.events(child)[-1], "reason", None) is None:
        await asyncio.sleep(0.1)


async def test_children_of_a_task_that_fails_are_cancelled_first(family):
    async def handler(job):
        await job.submit("k")
        await asyncio.sleep(1)
        raise TaskError("no luck", type="Unlucky")

    running = asyncio.create_task(family.run(handler))
    child = await child_of(family)
    await until_cancel(family, child)
    assert (family.log.events(child)[-1].reason, running.done()) == ("its parent has failed: Unlucky", False)
    await append(family, child, progress("cancelled"))
    await running
    assert family.last.status == "error"


async def test_children_of_a_task_that_is_tried_again_continue(family):
    async def handler(job):
        await job.submit("k")
        raise TaskError("no luck")

    await family.run(handler, retries=1)
    [child] = family.jobs.jobs
    assert (family.last.status, [event.status for event in family.log.events(child)]) == ("retrying", ["queued"])


async def test_children_of_a_task_that_is_cancelled_end_before_it(family):
    async def handler(job):
        await (await job.submit("k"))

    running = asyncio.create_task(family.run(handler))
    child = await child_of(family)
    await request_cancel(family.log, "t1", "enough")
    await until_cancel(family, child)
    assert family.log.events(child)[-1].reason == "its parent was cancelled: enough"
    assert not running.done()
    await append(family, child, progress("cancelled"))
    await running
    assert family.last.status == "cancelled"
