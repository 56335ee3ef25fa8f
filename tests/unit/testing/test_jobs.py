"""Jobs and events for tests of handlers."""

import asyncio

import pytest

from headway.errors import CancelRequestedError, SupersededError, TaskCancelledError
from headway.events import ErrorInfo, Progress
from headway.testing import MemoryLog, progress, start_job

pytestmark = pytest.mark.looptime


@pytest.fixture
def log():
    return MemoryLog()


def test_a_progress_has_defaults_for_what_is_not_given():
    assert progress() == Progress(status="processing", progress=0.0, message="", step="")
    assert progress("error", 3.0, step="s", n=2) == Progress(status="error", progress=3.0, message="", step="s", n=2)


async def test_a_job_runs_until_it_is_finished(log):
    job = start_job(log, "a", attempt=2, kind="crawl", failed=1)
    job.update(50)
    await job.finish("completed")
    assert (job.task, job.attempt, job.kind, job.failed) == ("a", 2, "crawl", 1)
    assert [(event.attempt, event.status) for event in log.events("a")] == [(2, "processing"), (2, "completed")]


async def test_the_last_event_carries_the_result_or_the_error(log):
    await start_job(log, "a").finish("completed", message="done", data={"pages": 3})
    await start_job(log, "b").finish("error", error=ErrorInfo(type="TooSlow", message="no"))
    (completed,), (failed,) = log.events("a"), log.events("b")
    assert (completed.progress, completed.message, completed.data) == (100.0, "done", {"pages": 3})
    assert (failed.status, failed.error.type) == ("error", "TooSlow")


async def test_an_aborted_job_stores_nothing_more(log):
    job = start_job(log, "a")
    job.update(50)
    await job.flush()
    job.update(60)
    await job.abort()
    await asyncio.sleep(60)
    assert [event.progress for event in log.events("a")] == [50.0]


async def test_a_job_that_is_stopped_tells_its_handler_to_end(log):
    job = start_job(log, "a")
    assert not job.cancelled
    job.stop(CancelRequestedError("a", "enough"))
    assert job.cancelled
    with pytest.raises(TaskCancelledError, match="enough"):
        job.raise_if_cancelled()
    await job.finish("cancelled")
    assert log.events("a")[-1].status == "cancelled"


async def test_a_job_whose_task_has_a_newer_attempt_cannot_be_finished(log):
    job = start_job(log, "a")
    job.stop(SupersededError("a", 1, 2))
    with pytest.raises(SupersededError):
        await job.finish("completed")
    assert log.events("a") == []


async def test_jobs_on_one_log_are_apart(log):
    one, other = start_job(log, "a"), start_job(log, "b")
    one.update(10)
    other.update(20)
    await one.finish("completed")
    await other.finish("cancelled")
    assert [[event.progress for event in log.events(task)] for task in "ab"] == [[10.0, 100.0], [20.0, 20.0]]
