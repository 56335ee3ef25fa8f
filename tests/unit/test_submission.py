"""The record, the job and the first event of a task are stored in this order, once."""

import time

import pytest

from headway import codec
from headway.errors import KeyReusedError, MalformedEventError, UnavailableError
from headway.records import ScheduledJob, TaskRecord, decode_record
from headway.submission import ENVELOPE_BYTES, Submission, begins_at
from headway.testing import MemoryBucket, MemoryJobQueue, MemoryLog


class Stored:
    def __init__(self):
        self.log, self.jobs, self.records = MemoryLog(), MemoryJobQueue(), MemoryBucket()
        self.scheduled = MemoryBucket()
        self.submission = Submission(self.records, self.jobs, self.log, self.scheduled)


@pytest.fixture
def stored():
    return Stored()


def record(params=b"{}", **fields):
    return TaskRecord(**({"task": "t1", "kind": "k", "created": 1.0, "params": codec.raw(params)} | fields))


async def test_a_task_has_a_record_a_job_and_a_first_event(stored):
    child = record(owner="ann", parent="p1")
    assert await stored.submission.store(child, depth=3) == (child, True)
    job = stored.jobs.jobs["t1"]
    assert (job.kind, job.owner, job.parent, job.depth) == ("k", "ann", "p1", 3)
    assert await stored.records.get("t1") == codec.encode_json(child)
    [queued] = stored.log.events("t1")
    assert (queued.status, queued.message) == ("queued", "waiting for a processor")


async def test_the_same_again_changes_nothing(stored):
    await stored.submission.store(record(created=1.0))
    found, new = await stored.submission.store(record(created=2.0))
    assert (found.created, new, len(stored.log.events("t1"))) == (1.0, False, 1)


@pytest.mark.parametrize("away", ["jobs", "log"])
async def test_what_a_crash_has_left_out_is_completed(stored, away):
    getattr(stored, away).away = True
    if away == "jobs":
        with pytest.raises(UnavailableError):
            await stored.submission.store(record())
    else:
        await stored.submission.store(record())  # the first event is the only thing that may be missing
    getattr(stored, away).away = False
    _, new = await stored.submission.store(record())
    assert (new, list(stored.jobs.jobs), len(stored.log.events("t1"))) == (False, ["t1"], 1)


@pytest.mark.parametrize("other", [record(b'{"a": 1}'), record(kind="other")], ids=["params", "kind"])
async def test_another_task_under_the_same_id_is_an_error(stored, other):
    await stored.submission.store(record())
    with pytest.raises(KeyReusedError, match="t1"):
        await stored.submission.store(other)


async def test_a_record_that_is_none_is_an_error(stored):
    stored.records.set("t1", b"?")
    with pytest.raises(MalformedEventError):
        await stored.submission.store(record())


def test_parameters_leave_room_for_what_is_stored_beside_them(stored):
    assert stored.submission.limit_bytes == stored.jobs.limit_bytes - ENVELOPE_BYTES


async def test_the_job_of_a_task_that_begins_later_is_kept_beside_the_queue(stored):
    run_at = time.time() + 60
    later = record(run_at=run_at)
    for new in (True, False):
        assert await stored.submission.store(later) == (later, new)
    assert stored.jobs.jobs == {}
    kept = decode_record(await stored.scheduled.get("t1"), ScheduledJob)
    assert (kept.run_at, kept.job.task, kept.job.kind) == (run_at, "t1", "k")
    [queued] = stored.log.events("t1")
    assert (queued.status, queued.message) == ("queued", begins_at(run_at))


@pytest.mark.parametrize("away", ["scheduled", "log"])
async def test_what_a_crash_has_left_out_of_a_later_task_is_completed(stored, away):
    later = record(run_at=time.time() + 60)
    getattr(stored, away).away = True
    if away == "scheduled":
        with pytest.raises(UnavailableError):
            await stored.submission.store(later)
        assert stored.log.events("t1") == []  # it was not accepted
    else:
        await stored.submission.store(later)
    getattr(stored, away).away = False
    await stored.submission.store(later)
    assert (len(await stored.scheduled.all()), stored.jobs.jobs, len(stored.log.events("t1"))) == (1, {}, 1)


async def test_a_task_whose_time_has_come_meanwhile_is_queued(stored):
    await stored.submission.store(record(run_at=time.time() - 1))
    assert (list(stored.jobs.jobs), await stored.scheduled.all()) == (["t1"], [])
