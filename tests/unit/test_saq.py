"""The adapter of SAQ, with its hooks called as a queue and a worker call them."""

import asyncio

import pytest
from saq import Job, Status

from headway import current_job
from headway import saq as adapter
from headway.errors import CancelRequestedError, TaskCancelledError
from headway.saq import after_process, before_process, connect
from tests.fixtures.noted_reports import reports as reports


class Queue:
    """Notes what is stored of jobs."""

    name, swept_error_message = "default", "swept"

    def __init__(self):
        self.before_enqueue, self.stored = [], []

    def register_before_enqueue(self, callback):
        self.before_enqueue.append(callback)

    async def enqueue(self, job):
        for callback in self.before_enqueue:
            await callback(job)

    async def abort(self, job, error, ttl=5):
        self.stored.append(("abort", error))
        if job.status == Status.QUEUED:
            await self.finish(job, Status.ABORTED, error=error)

    async def finish(self, job, status, *, result=None, error=None):
        self.stored.append((status, error))
        job.status, job.result, job.error = status, result, error

    async def update(self, job, **changes):
        self.stored.append(changes)


@pytest.fixture
def queue():
    yield connect(Queue())
    adapter._running.clear()


@pytest.fixture
def job(queue):
    return Job("count", queue=queue, key="j1", status=Status.QUEUED, retries=3, meta={"title": "Count", "tags": ["a"]})


async def ended(job, status, error=None, exception=None):
    """The end of a job that has begun, as its worker notes it."""
    ctx = {"job": job}
    await before_process(ctx)
    assert current_job() is not None
    job.status, job.error, job.result = status, error, 3
    if exception is not None:
        ctx["exception"] = exception
    await after_process(ctx)
    assert current_job() is None


async def test_a_job_is_submitted_when_it_is_enqueued_and_not_when_it_is_retried(reports, queue, job):
    await queue.enqueue(job)
    job.attempts = 1
    await queue.enqueue(job)
    await queue.enqueue(Job("clean", key="cron:clean"))
    ((task, what),) = reports.submitted
    assert (task, what["kind"], what["title"], what["tags"]) == ("j1", "count", "Count", ["a"])


@pytest.mark.parametrize(
    ("status", "error", "exception", "end"),
    [
        (Status.COMPLETE, None, None, ("completed", 3)),
        (Status.ABORTED, "why", None, ("cancelled", "why")),
        (Status.QUEUED, "Traceback", ValueError, ("retrying", ValueError)),
        (Status.FAILED, "Traceback", ValueError, ("error", ValueError)),
    ],
)
async def test_the_status_of_a_job_is_the_end_of_its_attempt(reports, job, status, error, exception, end):
    await ended(job, status, error, exception)
    assert reports.end == end


async def test_a_job_of_a_worker_that_is_stopped_is_retried(reports, job):
    await ended(job, Status.QUEUED, "cancelled")
    assert reports.end == ("handed on", "cancelled")


async def test_a_job_whose_task_is_cancelled_is_aborted_and_not_retried(reports, queue, job):
    ctx = {"job": job}
    await before_process(ctx)
    job.status = Status.ACTIVE
    reports.attempts[0].on_stop(CancelRequestedError("j1", "enough"))
    while not queue.stored:
        await asyncio.sleep(0)
    assert (queue.stored, job.retryable) == ([("abort", "enough")], False)
    ctx["exception"] = TaskCancelledError()
    await after_process(ctx)
    assert reports.end == ("cancelled", "enough")


async def test_a_job_whose_task_was_cancelled_while_it_waited_is_not_run(reports, queue, job):
    reports.refusals = ["cancelled"]
    ctx = {"job": job}
    with pytest.raises(asyncio.CancelledError):
        await before_process(ctx)
    await after_process(ctx)
    assert (queue.stored, reports.end) == ([(Status.ABORTED, "cancelled")], ("cancelled", ""))


async def test_the_task_of_a_job_that_is_aborted_while_it_waits_ends(reports, queue, job):
    await job.abort("not any more")
    await job.finish(Status.ABORTED, error="swept")
    assert [end[:2] for end in reports.ends] == [("j1", "cancelled"), ("j1", "error")]
    assert reports.ends[0][2] == "cancelled: not any more"


async def test_the_end_of_a_job_that_runs_here_is_that_of_its_run(reports, queue, job):
    ctx = {"job": job}
    await before_process(ctx)
    await job.finish(Status.ABORTED, error="why")
    await after_process(ctx)
    assert (reports.ends, reports.end) == ([], ("cancelled", "why"))


async def test_updates_are_stored_and_reported(reports, queue, job):
    await before_process({"job": job})
    await job.update(progress=0.5)
    await job.update(meta={"percent": 75})
    await job.update(status=Status.ACTIVE)
    assert queue.stored == [{"progress": 0.5}, {"meta": {"percent": 75}}, {"status": Status.ACTIVE}]
    assert reports.attempts[0].job.calls == [
        ("update", percent, None, {"done": None, "total": None, "unit": None}) for percent in (50, 75)
    ]


async def test_each_run_of_a_cron_job_is_a_task(reports, queue):
    for scheduled in (60, 120):
        job = Job("clean", queue=queue, key="cron:clean", scheduled=scheduled)
        await before_process({"job": job})
    first, second = (attempt.job.task for attempt in reports.attempts)
    assert first.startswith("cron-clean-60-")
    assert second.startswith("cron-clean-120-")
