"""What the runner of a handler can do to an attempt, and the handler cannot."""

import pytest

from headway import Job
from headway.current import running
from headway.errors import CancelRequestedError, LogError
from headway.eventlog.chain import Chain, read_head
from headway.events import Cancel, Chunk, ErrorInfo
from headway.lifecycle import JobLifecycle
from headway.testing import MemoryLog, StartedJob, progress, start_job

pytestmark = pytest.mark.looptime


@pytest.fixture
def log():
    return MemoryLog()


@pytest.mark.parametrize("name", ["start", "stop", "finish", "abort", "detach", "relay", "drain"])
def test_handler_gets_no_part_of_the_runner(name):
    assert not hasattr(Job, name)
    assert hasattr(JobLifecycle, name)


async def test_attempt_runs_from_start_to_its_end(log):
    lifecycle = JobLifecycle(Chain(log, "t1", attempt=2), kind="crawl", failed=1)
    assert lifecycle not in running
    lifecycle.start()
    assert lifecycle in running
    job = lifecycle.job
    assert (job.task, job.attempt, job.kind, job.failed) == ("t1", 2, "crawl", 1)
    job.update(50)
    await lifecycle.finish("completed", data={"pages": 3})
    assert lifecycle not in running
    last = log.events("t1")[-1]
    assert (last.status, last.attempt, last.progress, last.data) == ("completed", 2, 100.0, {"pages": 3})


async def test_what_another_process_reports_is_stored_at_once_and_the_end_continues_from_it(log):
    lifecycle = JobLifecycle(Chain(log, "t1", attempt=1), failed=2)
    lifecycle.start()
    await lifecycle.relay(progress("processing", 40.0, message="there", done=2.0, total=5.0, eta=3.0))
    await lifecycle.relay(Chunk(text="x", offset=0))
    assert len(log.events("t1")) == 2
    await lifecycle.finish("error", error=ErrorInfo("T", "m"))
    last = log.events("t1")[-1]
    assert (last.progress, last.message, last.done, last.eta, last.failed) == (40.0, "there", 2.0, None, 2)


async def test_nothing_is_relayed_of_a_task_that_is_cancelled(log):
    reasons = []
    lifecycle = JobLifecycle(Chain(log, "t1", attempt=1), on_stop=reasons.append)
    lifecycle.start()
    await lifecycle.relay(Chunk(text="x", offset=0))
    await Chain(log, "t1", await read_head(log, "t1"), attempt=1).append(Cancel(reason="enough"))
    for _ in range(2):
        await lifecycle.relay(Chunk(text="y", offset=1))
    assert [str(reason) for reason in reasons] == ["task t1 is to be cancelled: enough"]
    assert len(log.events("t1")) == 2
    await lifecycle.abort()


async def test_drained_attempt_has_stored_all_and_stores_no_more(log):
    lifecycle = JobLifecycle(Chain(log, "t1", attempt=1))
    lifecycle.start()
    lifecycle.job.update(message="last")
    await lifecycle.drain()
    assert [event.message for event in log.events("t1")] == ["last"]


async def test_attempt_is_known_only_after_the_log_was_read(log):
    lifecycle = JobLifecycle(Chain(log, "t1", attempt=1))
    lifecycle.continue_as(3, 2)
    assert (lifecycle.job.attempt, lifecycle.job.failed) == (3, 2)


async def test_aborted_attempt_runs_no_more(log):
    lifecycle = JobLifecycle(Chain(log, "t1", attempt=1))
    lifecycle.start()
    await lifecycle.abort()
    assert lifecycle not in running
    assert log.events("t1") == []


async def test_request_to_cancel_that_came_first_stops_the_handler_at_its_start(log):
    await Chain(log, "t1", attempt=1).append(Cancel(reason="typo"))
    chain = Chain(log, "t1", attempt=1)
    chain.head = chain.head._replace(event=Cancel(reason="typo"))
    reasons = []
    lifecycle = JobLifecycle(chain, on_stop=reasons.append)
    lifecycle.start()
    assert isinstance(lifecycle.job.stopped, CancelRequestedError)
    assert reasons == [lifecycle.job.stopped]
    await lifecycle.abort()


async def test_only_the_first_reason_to_stop_counts(log):
    reasons = []
    lifecycle = JobLifecycle(Chain(log, "t1", attempt=1), on_stop=reasons.append)
    first, second = LogError("first"), LogError("second")
    lifecycle.stop(first)
    lifecycle.stop(second)
    assert reasons == [first]
    assert lifecycle.job.stopped is first
    await lifecycle.abort()


async def test_result_without_a_json_form_is_kept_as_text_with_a_warning(log):
    lifecycle = JobLifecycle(Chain(log, "t1", attempt=1))
    lifecycle.start()
    await lifecycle.finish("completed", data={"thing": object()})
    line, last = log.events("t1")
    assert (line.level, line.logger) == ("warning", "headway.result")
    assert "object" in last.data["thing"]


async def test_job_of_a_test_is_ended_by_its_test(log):
    job = start_job(log)
    assert isinstance(job, StartedJob)
    job.stop(LogError("enough"))
    assert job.cancelled
    await job.finish("error")
    assert log.events("t1")[-1].status == "error"
