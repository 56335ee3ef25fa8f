"""What is reported of a job by the worker that runs it."""

import logging

import pytest

from headway import current_job
from headway.errors import CancelRequestedError, EndedError, TaskCancelledError
from headway.reporting import queue_run
from headway.reporting.queue_job import QueueJob
from headway.reporting.queue_run import abegin, begin, flush
from tests.fixtures.noted_reports import reports as reports

JOB = QueueJob("1", "count", "Count", ["a"], "p")


def test_a_run_has_an_attempt_and_its_job_while_it_is_entered(reports):
    run = begin(JOB)
    assert reports.attempts[0].what == {"kind": "count", "title": "Count", "tags": ["a"], "parent": "p"}
    run.enter()
    assert current_job() is run.job
    run.leave()
    assert current_job() is None
    run.end(result=3)
    run.end(ValueError())
    assert (run.task, reports.end) == ("1", ("completed", 3))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ({"error": "no", "will_retry": True}, "retrying"),
        ({"error": "no"}, "error"),
        ({"cancelled": ""}, "cancelled"),
        ({"error": TaskCancelledError()}, "error"),
    ],
)
def test_a_run_ends_as_the_queue_says(reports, end, expected):
    begin(JOB).end(**end)
    assert reports.end[0] == expected


def test_a_run_that_was_cancelled_ends_so_unless_it_fails_for_another_reason(reports):
    for error, expected in ((TaskCancelledError(), ("cancelled", "enough")), (ValueError, ("error", ValueError))):
        called = []
        run = begin(JOB, called.append)
        run.enter()
        reports.attempts[-1].on_stop(CancelRequestedError("1", "enough"))
        run.leave()
        run.end(error)
        assert (called, reports.end) == (["enough"], expected)


def test_nobody_is_interrupted_before_the_work_begins_or_after_its_end_or_for_another_reason(reports):
    called = []
    run = begin(JOB, called.append)
    on_stop = reports.attempts[-1].on_stop
    on_stop(CancelRequestedError("1", "enough"))
    assert called == []
    run.enter()
    assert called == ["enough"]
    run.leave()
    run.end()
    on_stop(CancelRequestedError("1", "enough"))
    on_stop(EndedError("1", "error"))
    assert called == ["enough"]


async def test_a_job_that_was_cancelled_while_it_waited_is_not_to_be_run(reports):
    reports.refusals = ["cancelled", "cancelled"]
    assert begin(JOB).cancelled_before
    assert (await abegin(JOB)).cancelled_before
    assert not begin(JOB).cancelled_before


async def test_a_job_whose_task_has_ended_runs_as_a_new_task(reports):
    job = JOB._replace(id="x" * 64)
    for run in (begin, abegin):
        reports.refusals = ["ended"]
        made = run(job)
        made = made if run is begin else await made
        assert made.task.startswith("x" * 51 + "-")
        assert len(made.task) == 64
        assert reports.attempts[-1].what["parent"] == job.id
        assert not made.cancelled_before


def test_a_run_without_reports_runs(monkeypatch, caplog):
    def broken():
        raise RuntimeError("broken")

    monkeypatch.setattr(queue_run, "adapter", broken)
    run = begin(JOB)
    run.enter()
    run.leave()
    run.end()
    assert (run.job, run.task, run.cancelled_before) == (None, "", False)
    assert caplog.records[0].action == "report_failed"


def test_log_records_of_a_job_are_reported(reports):
    for _ in range(2):
        run = begin(JOB)
        run.enter()
        logging.getLogger("shop").warning("begins")
        run.leave()
        assert [call[:2] for call in run.job.calls] == [("log", "begins")]


def test_what_has_ended_is_stored_before_the_process_ends(reports):
    flush()
    assert reports.flushed == 1
