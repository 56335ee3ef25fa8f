"""The background of a process: one, made when it is needed, never in the way."""

import logging
import os

import pytest

from headway.reporting import process
from headway.reporting.process import background, flush


@pytest.fixture(autouse=True)
def nothing_yet(monkeypatch):
    monkeypatch.setattr(process, "_current", [])


def test_there_is_one_and_it_is_not_made_by_a_flush():
    assert flush()
    assert process._current == []
    assert background() is background()


@pytest.mark.parametrize(
    ("variable", "value"), [("HEADWAY_NATS_URL", "http://x"), ("HEADWAY_REPORT_MAX_TASKS", "many")]
)
def test_wrong_settings_are_logged_and_nothing_is_reported(monkeypatch, caplog, variable, value):
    monkeypatch.setenv(variable, value)
    with caplog.at_level(logging.ERROR):
        assert background().settings.max_tasks == 0
    logged = [record for record in caplog.records if record.name == "headway.reporting.process"]
    assert [record.action for record in logged] == ["reports_off"]
    assert variable in logged[0].error


def test_tasks_that_were_not_stored_in_time_are_named(caplog):
    class Slow:
        settings = type("Settings", (), {"flush_seconds": 0.0})

        def flush(self, seconds):
            return 2

    process._current.append(Slow())
    assert not flush()
    assert [(record.action, record.tasks) for record in caplog.records] == [("reports_lost", 2)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_makes_its_own():
    first = background()
    if (child := os.fork()) == 0:
        os._exit(0 if not process._current and background() is not first else 1)
    assert os.waitpid(child, 0)[1] == 0
