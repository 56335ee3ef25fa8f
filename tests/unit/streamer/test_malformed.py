"""Malformed records and events are counted and logged once."""

from headway.errors import MalformedEventError
from headway_streamer import malformed as module
from headway_streamer.malformed import Malformed
from headway_streamer.metrics import Metrics


def test_each_is_counted_and_logged_once(caplog):
    metrics = Metrics()
    malformed, error = Malformed(metrics), MalformedEventError("bad")
    for _ in range(2):
        malformed.note("event", "t1", error, seq=7)
        malformed.note("event", "t1", error, seq=8)
        malformed.note("task", "t1", error)
        malformed.note("processor", "p1", error)
    assert metrics.events_malformed == 2
    actions = [record.action for record in caplog.records]
    assert actions == ["event_malformed", "event_malformed", "task_malformed", "processor_malformed"]
    assert (caplog.records[0].task, caplog.records[0].seq, caplog.records[3].processor) == ("t1", 7, "p1")


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_REMEMBERED", 3)
    metrics = Metrics()
    malformed = Malformed(metrics)
    for n in range(10):
        malformed.note("event", "t1", MalformedEventError("bad"), seq=n + 1)
    assert (metrics.events_malformed, len(malformed._seen)) == (10, 1)
