"""Tasks that other processes run: submitted, and ended when their worker cannot."""

import pytest

from headway import codec
from headway.errors import EndedError
from headway.eventlog.chain import Chain, read_head
from headway.events import Cancel, ErrorInfo
from headway.records import TaskRecord
from headway.reporting.from_outside import end_task, submit_task
from headway.testing import MemoryBucket, MemoryLog, progress

pytestmark = pytest.mark.looptime
RECORD = TaskRecord(task="t1", kind="k", created=1.0, owner="ann", reported=True)


@pytest.fixture
async def stores():
    return MemoryLog(), MemoryBucket()


def shown(log):
    return [(event.status, event.attempt, event.progress) for event in log.events("t1")]


async def test_a_submitted_task_has_a_record_and_waits(stores):
    for _ in range(2):  # a queue may publish it again
        await submit_task(*stores, RECORD)
    assert shown(stores[0]) == [("queued", 0, 0.0)]
    assert await stores[1].get("t1") == codec.encode_json(RECORD)


async def test_a_worker_that_is_faster_makes_the_submission_superfluous(stores):
    await stores[1].create("t1", codec.encode_json(RECORD))
    await Chain(stores[0], "t1", attempt=1).append(progress(percent=3.0))
    await submit_task(*stores, RECORD)
    assert shown(stores[0]) == [("processing", 1, 3.0)]


async def test_an_end_from_outside_keeps_the_bar_and_fences_the_worker(stores):
    log, records = stores
    await submit_task(log, records, RECORD)
    worker = Chain(log, "t1", await read_head(log, "t1"), attempt=1)
    await worker.append(progress(percent=30.0))
    for _ in range(2):
        await end_task(log, records, RECORD, "error", "killed", ErrorInfo("WorkerLost", "killed"))
    assert shown(log) == [("queued", 0, 0.0), ("processing", 1, 30.0), ("error", 1, 30.0)]
    with pytest.raises(EndedError):
        await worker.append(progress(percent=31.0))


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        ("cancelled", "wrong file", "cancelled: wrong file"),
        ("cancelled", "", "cancelled: terminated"),
        ("error", "wrong file", "cancelled: terminated"),
    ],
)
async def test_a_cancelled_task_ends_with_the_reason_of_who_asked_for_it(stores, status, reason, message):
    """Not with how the worker carried it out."""
    log, records = stores
    await submit_task(log, records, RECORD)
    await Chain(log, "t1", await read_head(log, "t1")).append(Cancel(reason=reason))
    await end_task(log, records, RECORD, status, "cancelled: terminated", None)
    assert log.events("t1")[-1].message == message


@pytest.mark.parametrize("begun", [False, True])
async def test_a_task_that_nobody_has_submitted_ends_too(stores, begun):
    if begun:
        await submit_task(*stores, RECORD)
    await end_task(*stores, RECORD, "cancelled", "revoked", None)
    assert shown(stores[0])[-1] == ("cancelled", 0, 0.0)


async def test_the_task_of_a_processor_is_left_alone(stores):
    await stores[1].create("t1", codec.encode_json(TaskRecord(task="t1", kind="k", created=1.0)))
    await end_task(*stores, RECORD, "cancelled", "revoked", None)
    assert shown(stores[0]) == []
