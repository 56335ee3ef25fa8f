"""The adapter of RQ, with the methods of its worker called as the worker calls them."""

import pytest
from rq import Retry
from rq.exceptions import InvalidJobOperation
from rq.job import Job, JobStatus
from rq.queue import Queue as PlainQueue

from headway.errors import CancelRequestedError, TaskCancelledError
from headway.rq import Queue, ReportingMixin, _described
from tests.fixtures.condition import holds_blocking
from tests.fixtures.noted_reports import reports as reports


class Connection:
    """No Redis: nothing is stored."""

    def __getattr__(self, name):
        raise AssertionError(f"asks Redis: {name}")


def count(number):
    return number


def job_of(**options):
    return Job.create(count, (1,), id="j1", connection=Connection(), **options)


class PlainWorker:
    """What `ReportingMixin` extends."""

    is_horse, connection, serializer, _stopped_job_id = False, None, None, None

    def __init__(self):
        self.failed = []

    def perform_job(self, job, queue, execution):
        return self.performed(job)

    def prepare_job_execution(self, job): ...

    def handle_job_success(self, job, queue): ...

    def handle_job_retry(self, job, queue): ...

    def handle_exception(self, job, *exc_info): ...

    def handle_job_failure(self, job, queue, exc_string=""):
        self.failed.append(self._stopped_job_id == job.id)


class Worker(ReportingMixin, PlainWorker):
    """A worker without Redis."""


@pytest.fixture
def worker():
    return Worker()


def run(worker, job, *, returns=None, raises=None):
    """Perform a job as RQ's worker does."""

    def performed(job):
        try:
            worker.prepare_job_execution(job)
            if raises:
                raise raises
        except Exception as error:  # noqa: BLE001 - RQ catches all
            worker.handle_exception(job, type(error), error, error.__traceback__)
            worker.handle_job_failure(job=job, queue=None, exc_string="Traceback …")
            return False
        job._result = returns
        handle = worker.handle_job_retry if isinstance(returns, Retry) else worker.handle_job_success
        handle(job=job, queue=None)
        return True

    worker.performed = performed
    return worker.perform_job(job, None, None)


def test_a_job_is_described_by_its_function_description_and_meta_data():
    name = f"{count.__module__}.count"
    assert _described(job_of()) == ("j1", name, "", (), "")
    assert _described(job_of(description="One")).title == "One"
    assert _described(job_of(description="One", meta={"title": "Two", "tags": ["a"]}))[2:4] == ("Two", ["a"])
    assert _described(job_of(depends_on=["a:b", "c"])).parent.startswith("a-b-")


def test_a_job_that_cannot_be_decoded_is_described_by_its_id():
    job = Job("j1", connection=Connection())
    job.data = b"?"
    assert _described(job) == ("j1", "job", "", (), "")


def test_a_job_is_submitted_once(reports, monkeypatch):
    monkeypatch.setattr(PlainQueue, "enqueue_job", lambda self, job: job)
    queue = Queue(connection=Connection())
    job = queue.enqueue_job(queue.create_job(count, (1,)))
    assert [task for task, _ in reports.submitted] == [job.id]


def test_a_result_a_retry_and_an_error_end_the_attempt(reports, worker):
    job = job_of()
    assert run(worker, job, returns=3)
    assert (reports.end, reports.attempts[0].active) == (("completed", 3), False)
    job._status = JobStatus.QUEUED
    run(worker, job, returns=Retry(max=1))
    assert (reports.end[0], reports.end[1].type) == ("retrying", "Retry")
    job._status = JobStatus.FAILED
    run(worker, job, returns=Retry(max=1))
    assert reports.end[0] == "error"
    error = ValueError()
    for retries, expected in ((1, "retrying"), (0, "error")):
        job.retries_left = retries
        assert not run(worker, job, raises=error)
        assert reports.end == (expected, error)


def test_a_job_that_was_cancelled_before_or_while_it_ran_is_stopped(reports, worker):
    job = job_of()
    job.retries_left = 1
    reports.refusals = ["cancelled"]
    assert not run(worker, job, returns=3)
    assert (worker.failed, reports.end) == ([True], ("cancelled", ""))

    worker._stopped_job_id = None
    worker._stop = lambda job, reason: None
    original = worker.prepare_job_execution

    def prepare(job):
        original(job)
        reports.attempts[-1].on_stop(CancelRequestedError("j1", "enough"))

    worker.prepare_job_execution = prepare
    assert not run(worker, job, raises=TaskCancelledError())
    assert (worker.failed[-1], reports.end) == (True, ("cancelled", "enough"))


def test_a_job_whose_process_was_killed_ends_unless_it_is_retried(reports, worker):
    job = job_of()
    worker.handle_job_failure(job, queue=None, exc_string="killed")
    worker._stopped_job_id = "j1"
    worker.handle_job_failure(job, queue=None, exc_string="stopped")
    worker._stopped_job_id = None
    job.retries_left = 1
    worker.handle_job_failure(job, queue=None, exc_string="killed")
    assert reports.ends == [
        ("j1", "error", "killed"),
        ("j1", "cancelled", "cancelled: stopped"),
        ("j1", "retrying", "killed"),
    ]


def test_what_a_process_that_ends_has_reported_is_stored_first(reports, worker):
    run(worker, job_of())
    assert reports.flushed == 0
    worker.is_horse = True
    run(worker, job_of())
    assert reports.flushed == 1


def test_what_is_stored_with_save_meta_is_reported(reports, worker, monkeypatch):
    job, saved = job_of(), []
    monkeypatch.setattr(Job, "save_meta", lambda self: saved.append(dict(self.meta)))
    worker.prepare_job_execution(job)
    job.meta["progress"] = 42
    job.save_meta()
    assert (saved, reports.attempts[0].job.calls[0][:2]) == ([{"progress": 42}], ("update", 42))


def test_a_job_that_does_not_end_is_stopped_by_the_command_of_rq(reports, worker, monkeypatch):
    commands, error = [], InvalidJobOperation()

    def send(connection, job_id, *, serializer):
        commands.append(job_id)
        raise error

    monkeypatch.setattr("headway.rq.send_stop_job_command", send)
    worker.stop_seconds = 0
    worker._stop(job_of(), "enough")
    assert holds_blocking(lambda: commands == ["j1"], 20)
    worker._kill(job_of())
