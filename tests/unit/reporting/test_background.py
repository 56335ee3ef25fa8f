"""What may run in the background of a process is bounded."""

import logging

from headway.jetstream.connection import NatsSettings
from headway.records import TaskRecord
from headway.reporting.background import Background
from headway.reporting.settings import ReportSettings

RECORD = TaskRecord(task="t1", kind="k", created=1.0)


def test_tasks_over_the_bound_are_counted_and_cost_nothing(caplog):
    background = Background(NatsSettings(), ReportSettings(max_tasks=0))
    with caplog.at_level(logging.WARNING):
        tasks = [background.report(RECORD, lambda _: None) for _ in range(3)]
    for task in tasks:
        task.job.update(50, "half")
        task.job.chunk("x" * 1000)
        task.job.log("a line")
        assert list(task.job.track(range(3))) == [0, 1, 2]
        task.end("completed")
        assert len(task.lifecycle._outbox._pending) == 0
    assert background.left_out == 3
    assert background.room._taken == 0
    assert [record.action for record in caplog.records] == ["reports_left_out"]
    assert background.flush(0.0) == 0
