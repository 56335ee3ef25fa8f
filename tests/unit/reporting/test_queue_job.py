"""What is reported of a job by the process that enqueues it."""

from headway.events import ErrorInfo
from headway.job import current
from headway.reporting import queue_job
from headway.reporting.queue_job import QueueJob, logged
from tests.fixtures.noted_reports import NotedJob
from tests.fixtures.noted_reports import reports as reports


def test_a_job_is_submitted_with_its_name_as_kind_and_title(reports):
    QueueJob("a:1", "shop.count").submit()
    ((task, what),) = reports.submitted
    assert task.startswith("a-1-")
    assert what == {"kind": "count", "title": "count", "tags": (), "parent": ""}


async def test_one_that_is_enqueued_within_a_task_is_a_part_of_it(reports):
    token = current.set(NotedJob("outer"))
    await QueueJob("1", "count", "Count", ["a"]).asubmit()
    QueueJob("2", "count", parent="other").submit()
    current.reset(token)
    assert [what["parent"] for _, what in reports.submitted] == ["outer", "other"]


def test_the_end_of_a_job_that_no_worker_reports_is_stored(reports):
    QueueJob("1", "count").ended(cancelled="by the queue")
    QueueJob("2", "count").ended(ErrorInfo("Lost", "killed"))
    QueueJob("2", "count").ended(ErrorInfo("Lost", "killed"), will_retry=True)
    assert reports.ends == [
        ("1", "cancelled", "cancelled: by the queue"),
        ("2", "error", "killed"),
        ("2", "retrying", "killed"),
    ]


def test_what_a_report_raises_is_logged(monkeypatch, caplog):
    def broken():
        raise RuntimeError("broken")

    monkeypatch.setattr(queue_job, "adapter", broken)
    QueueJob("1", "count").submit()
    QueueJob("1", "count").ended()
    with logged():
        raise OSError
    assert [record.action for record in caplog.records] == ["report_failed"] * 3
