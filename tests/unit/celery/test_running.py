"""What tasks say of themselves while they run."""

import datetime

import celery
import pytest

from headway.celery.running import Run, Runs, retry_message
from headway.celery.sheet import Sheet
from headway.events import ErrorInfo
from tests.unit.celery.conftest import Attempt


@pytest.fixture
def run():
    notes = []
    made = Run("t", Attempt(notes), Sheet())
    made.notes = notes
    return made


def test_an_update_is_reported_in_the_terms_of_a_job(run):
    run.update("PROGRESS", {"current": 1, "total": 4, "stage": "rows", "unit": "rows"})
    run.update("PROGRESS", {"current": 2, "total": 4, "stage": "rows", "status": "half"})
    assert [note[0] for note in run.notes] == ["set_state", "step", "update", "set_state", "update"]
    assert run.notes[1] == ("step", "rows", {"total": 4.0, "unit": "rows"})
    assert run.notes[-1] == ("update", None, "half", {"done": 2.0, "total": 4.0, "unit": None})


@pytest.mark.parametrize("state", ["STARTED", "RETRY", "", None])
def test_states_that_headway_has_a_word_for_need_none(run, state):
    run.update(state, {"progress": 10})
    assert run.notes == [("update", 10.0, None, {"done": None, "total": None, "unit": None})]


@pytest.mark.parametrize(
    ("state", "meta", "end"),
    [
        ("", None, ("cancelled", "ignored by the task", {})),
        ("SUCCESS", {"a": 1}, ("completed", {"a": 1}, {})),
        ("REVOKED", "too late", ("cancelled", "too late", {})),
        ("FAILURE", "broken", ("failed", ErrorInfo("Failure", "broken"), {})),
        ("FAILURE", {"exc_type": "Odd", "exc_message": "no"}, ("failed", ErrorInfo("Odd", "no"), {})),
        ("FAILURE", ValueError("no"), ("failed", ErrorInfo("ValueError", "no"), {})),
        ("FAILURE", None, ("failed", ErrorInfo("Failure", "the task has failed"), {})),
    ],
)
def test_a_task_that_raises_ignore_ends_as_it_has_said(run, state, meta, end):
    if state:
        run.update(state, meta)
    run.ignored()
    assert run.notes == [end]


def test_a_task_that_is_replaced_goes_on(run):
    run.handed_on = True
    run.ignored()
    assert run.notes == [("handed_on", "goes on in the task that replaces it", {})]


def test_runs_are_found_by_their_task():
    runs, one = Runs(), Run("t", Attempt([]), Sheet())
    app = celery.Celery("runs", set_as_current=False)
    assert runs.current(app) is None
    runs.add(one)
    assert runs.get("t") is one
    assert runs.get(None) is None
    assert runs.current(app) is None
    assert runs.remove("t") is one
    assert runs.remove("t") is None
    runs.add(one)
    runs.clear()
    assert runs.get("t") is None


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (0, "next attempt soon"),
        (2.5, "next attempt in 2.5 s"),
        (datetime.datetime(2026, 11, 27, 10, 0, tzinfo=datetime.UTC), "next attempt at 2026-11-27 10:00:00 UTC"),
    ],
)
def test_a_retry_says_when(when, message):
    assert retry_message(None, when) == message
