"""What is counted, as Prometheus reads it."""

import pytest

from headway.errors import StoreFullError, UnavailableError
from headway_processor.metrics import Metrics, PrometheusMetrics


@pytest.fixture
def shown():
    metrics = PrometheusMetrics(lambda: True)

    def shown(method, *arguments):
        if method is not None:
            getattr(metrics, method)(*arguments)
        lines = metrics.exposition().decode().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    return shown


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (("started", "k"), 'headway_attempts_started_total{kind="k"}'),
        (("finished", "k", "completed", 2.0), 'headway_attempts_finished_total{kind="k",status="completed"}'),
        (("finished", "k", "completed", 2.0), 'headway_attempt_duration_seconds_count{kind="k"}'),
        (("superseded", "k"), 'headway_attempts_superseded_total{kind="k"}'),
        (("malformed", "k"), 'headway_jobs_malformed_total{kind="k"}'),
        (("dead_lettered", "k", "failed"), 'headway_jobs_dead_lettered_total{kind="k",reason="failed"}'),
        (("pending", "k", 1), 'headway_jobs_pending{kind="k"}'),
        (("store_failed", StoreFullError("full")), 'headway_store_failures_total{reason="store_full"}'),
        (("store_failed", UnavailableError("x")), 'headway_store_failures_total{reason="unavailable"}'),
    ],
    ids=lambda part: part if isinstance(part, str) else part[0],
)
def test_each_method_counts_in_its_metric(shown, call, name):
    assert float(shown(*call)[name]) == 1.0
    getattr(Metrics(), call[0])(*call[1:])  # counts nothing


def test_running_attempts_are_those_that_have_not_ended(shown):
    shown("started", "k")
    assert float(shown("started", "k")['headway_attempts_running{kind="k"}']) == 2.0
    assert float(shown("finished", "k", "error", 1.0)['headway_attempts_running{kind="k"}']) == 1.0


def test_failures_of_the_store_are_shown_before_the_first(shown):
    assert float(shown(None)['headway_store_failures_total{reason="store_full"}']) == 0.0
    assert float(shown(None)['headway_nats_connected{service="processor"}']) == 1.0


def test_handlers_that_did_not_stop_are_counted_while_they_run():
    metrics = PrometheusMetrics(lambda: True)
    for change in (1, 1, -1):
        metrics.abandoned("k", change)
    assert metrics.handlers_abandoned == 1
    assert b'headway_handlers_abandoned{kind="k"} 1.0' in metrics.exposition()
