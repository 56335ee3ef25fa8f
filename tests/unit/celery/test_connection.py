"""Connecting an app."""

import logging
import pickle

import celery
import pytest
from celery import signals

import headway.celery
from headway.celery import connection

SIGNALS = [signals.before_task_publish, signals.task_prerun, signals.worker_init, signals.task_postrun]


@pytest.fixture
def app():
    made = celery.Celery("connection", broker="memory://", backend="cache+memory://", set_as_current=False)
    yield made
    if connected := connection._connected.pop(made, None):
        connected.disconnect()


def receivers():
    return [len(signal.receivers) for signal in SIGNALS]


def test_a_second_call_replaces_the_first_and_disconnecting_leaves_nothing(app):
    before, group_result = receivers(), app.GroupResult
    headway.celery.connect(app)
    once = receivers()
    headway.celery.connect(app, terminate=True)
    assert receivers() == once == [count + 1 for count in before]
    connection._connected.pop(app).disconnect()
    assert receivers() == before
    assert app.GroupResult is group_result


def test_the_class_of_tasks_connects_its_app(reports):
    app = celery.Celery("by_class", broker="memory://", task_cls="headway.celery:ProgressTask", set_as_current=False)

    @app.task(shared=False, name="shop.one")
    def one():
        """A task."""

    task = one.delay().id
    assert reports.submitted[task]["kind"] == "one"
    before = receivers()
    connection.ProgressTask.on_bound(app)
    assert receivers() == before
    connection._connected.pop(app).disconnect()


def test_results_of_groups_are_pickled_as_before(app):
    headway.celery.connect(app)
    app.set_current()
    result = app.GroupResult("g", [app.AsyncResult("a")])
    assert pickle.loads(pickle.dumps(result)).id == "g"


def test_what_goes_wrong_is_logged_once_as_a_warning(caplog):
    broken = connection._safe(lambda: 1 / 0)
    with caplog.at_level(logging.DEBUG, logger="headway.celery.connection"):
        broken(signal=None)
        broken(signal=None)
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG"]
