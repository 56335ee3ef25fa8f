"""The log of a running task is watched for what ends its attempt."""

import asyncio

import pytest

from headway import codec
from headway.cancellation import reason_to_stop, watch
from headway.errors import CancelRequestedError, EndedError, SupersededError
from headway.eventlog.chain import Chain, read_head
from headway.events import Cancel, Chunk
from headway.testing import MemoryLog, progress, start_job

pytestmark = pytest.mark.looptime


OTHERS = (("t2", 9), ("t1", 0))
"""Task and number of requests that belong to another log, or to none."""


@pytest.fixture
async def job():
    log = MemoryLog()
    job = start_job(log, interval_seconds=0.01)
    job.log_in_memory = log
    yield job
    await job.abort()


async def watched(log, job):
    await job.flush()
    return asyncio.create_task(watch(log, job.lifecycle, 0))


async def append(log, event, *, attempt):
    await Chain(log, "t1", await read_head(log, "t1"), attempt=attempt).append(event)


@pytest.fixture
def log(job):
    return job.log_in_memory


async def test_a_newer_attempt_stops_it(log, job):
    watching = await watched(log, job)
    await append(log, progress(), attempt=2)
    await watching
    assert isinstance(job.stopped, SupersededError)


async def test_a_request_to_cancel_stops_it(log, job):
    watching = await watched(log, job)
    await append(log, Cancel(attempt=1, reason="enough"), attempt=1)
    await watching
    assert isinstance(job.stopped, CancelRequestedError)
    assert job.stopped.reason == "enough"


@pytest.mark.security
@pytest.mark.parametrize(
    "forged",
    [b"{}", b"not json", *(codec.encode(Cancel(task=task, n=n, attempt=1, reason="x")) for task, n in OTHERS)],
)
async def test_what_is_no_event_of_this_task_does_not_stop_it(log, job, forged):
    watching = await watched(log, job)
    await log.put("t1", forged, expected=(await read_head(log, "t1")).seq, msg_id="forged")
    await append(log, progress(), attempt=2)
    await watching
    assert isinstance(job.stopped, SupersededError)


async def test_it_waits_while_the_log_is_unreachable(log, job):
    await job.flush()
    log.away = True
    watching = asyncio.create_task(watch(log, job.lifecycle, 0))
    await asyncio.sleep(10)
    assert not watching.done()
    log.away = False
    await append(log, progress(), attempt=2)
    await watching
    assert isinstance(job.stopped, SupersededError)


async def test_an_attempt_that_was_stopped_is_not_watched(log, job):
    job.stop(CancelRequestedError("t1", ""))
    await watch(log, job.lifecycle, 0)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (progress(attempt=2), None),
        (progress("retrying", attempt=2), None),
        (progress(attempt=1), None),
        (Chunk(attempt=2, text="", offset=0), None),
        (Cancel(attempt=2, reason="r"), CancelRequestedError),
        (progress(attempt=3), SupersededError),
        (Cancel(attempt=3, reason="r"), SupersededError),
        (progress("completed", attempt=2), EndedError),
        (progress("error", attempt=1), EndedError),
    ],
)
def test_event_stops_a_running_attempt(event, reason):
    stop = reason_to_stop(event, 2)
    assert (None if stop is None else type(stop)) == reason
