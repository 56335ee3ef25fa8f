"""Which records are copied; what becomes of them in a processor is tested with its attempts."""

import logging

import pytest

from headway import log_capture
from headway.job import current
from headway.log_capture import captured, captured_logging, copy, number_of
from tests.fixtures.noted_reports import NotedJob


@pytest.mark.parametrize(("level", "number"), [("info", 20), ("ERROR", 40), ("off", 1000)])
def test_levels_have_numbers(level, number):
    assert number_of(level) == number


def test_a_level_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'loud' is not a level; there are OFF, "):
        number_of("loud")


def test_outside_of_a_task_nothing_is_copied():
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            seen.append(captured.get())
            copy(record, tracebacks=False)

    logger = logging.Logger("shop")
    logger.addHandler(Handler())
    real = logging.Logger.callHandlers
    with captured_logging("INFO"):
        logger.info("nobody's")
    assert (seen, logging.Logger.callHandlers) == ([False], real)


def test_records_of_a_package_that_runs_tasks_are_left_out(monkeypatch):
    monkeypatch.setattr(log_capture, "_own", {"headway"})
    job = NotedJob("t1")
    token = current.set(job)
    log_capture.leave_out("celery")
    with captured_logging("INFO"):
        for name in ("celery.worker", "shop"):
            logging.Logger(name).warning("said by %s", name)
    current.reset(token)
    assert job.calls == [("log", "said by shop", "warning", {"logger": "shop"})]
