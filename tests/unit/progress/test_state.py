"""The state of an attempt, and the event that is made of it."""

import threading

import pytest

from headway.progress.counting import leave
from headway.progress.state import MAX_PERCENT, ProgressState
from headway.testing import progress


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def state(clock):
    return ProgressState(clock, threading.RLock(), failed=1, belongs=lambda: True)


def test_new_state_is_empty(state):
    event = state.snapshot("processing")
    assert (event.progress, event.done, event.total, event.message, event.step) == (0.0, None, None, "", "")
    assert event.failed == 1


def test_bar_only_rises_and_stays_below_100(state):
    for percent, shown in ((30, 30.0), (20, 30.0), ("x", 30.0), (250, MAX_PERCENT)):
        state.raise_to(percent)
        assert state.snapshot("processing").progress == shown


def test_count_moves_the_bar(state):
    state.count_here(2, 8, "rows", None)
    event = state.snapshot("processing")
    assert (event.done, event.total, event.unit, event.progress) == (2.0, 8.0, "rows", 25.0)


def test_units_of_an_earlier_attempt_count_for_the_bar_and_not_for_the_rate(state, clock):
    state.count_here(None, 100, None, 50)
    assert state.snapshot("processing").progress == 50.0
    for second in range(1, 21):
        clock.now = float(second)
        state.count_here(50 + second, None, None, None)
        event = state.snapshot("processing")
    assert event.rate == pytest.approx(1.0)
    assert event.eta == pytest.approx(30.0)


def test_step_begins_where_the_bar_is_and_ends_where_it_says(state):
    state.step("read", 10.0, "rows", 40.0)
    state.count_here(5, None, None, None)
    assert state.snapshot("processing").progress == 20.0
    state.step("write", 4.0, None, None)
    event = state.snapshot("processing")
    assert (event.step, event.progress, event.unit, event.done) == ("write", 40.0, "rows", None)
    state.count_here(2, None, None, None)
    assert state.snapshot("processing").progress == 70.0


def test_track_counts_its_rows_and_its_end_makes_counting_simple_again(state):
    track = state.begin(total=4.0, unit="rows", message="copying", initial=0.0)
    assert not state.simple
    track.counter.done += 1.0
    event = state.snapshot("processing")
    assert (event.done, event.total, event.unit, event.message) == (1.0, 4.0, "rows", "copying")
    leave(track)
    assert state.track() is None
    assert state.simple


def test_step_within_a_track_only_names_the_row(state):
    track = state.begin(total=4.0, unit="rows", message=None, initial=0.0)
    track.counter.done += 2.0
    state.step("row 3", 10.0, "parts", None)
    event = state.snapshot("processing")
    assert (event.step, event.done, event.total, event.progress) == ("row 3", 2.0, 4.0, 50.0)
    leave(track)


def test_state_of_another_process_takes_the_place_of_what_was_noted_here(state):
    state.raise_to(90)
    there = progress("processing", 40.0, message="there", step="far", done=2.0, total=5.0, rate=1.5, eta=2.0)
    state.take_over(there)
    state.message = "ended"
    event = state.snapshot("error")
    assert (event.status, event.progress, event.message, event.step) == ("error", 40.0, "ended", "far")
    assert (event.done, event.total, event.rate, event.failed) == (2.0, 5.0, 1.5, 1)
    assert there.status == "processing"


# Checkpoints


def resumed(state, clock):
    """The state of the next attempt, which continues from a checkpoint of `state`."""
    following = ProgressState(clock, threading.RLock(), belongs=lambda: True)
    following.resume(state.mark(b""))
    return following


def shown(state):
    event = state.snapshot("processing")
    return event.progress, event.step, event.done, event.total, event.unit


@pytest.fixture
def halfway(state):
    state.step("Fetching", 10, "pages", 80)
    state.count_here(5, None, None, None)
    return state


def test_resumed_attempt_begins_where_the_checkpoint_was(halfway, clock):
    assert shown(resumed(halfway, clock)) == shown(halfway) == (40.0, "Fetching", 5, 10, "pages")


def test_step_that_is_begun_again_continues_its_count(halfway, clock):
    state = resumed(halfway, clock)
    state.step("Fetching", 20, None, 80)
    assert shown(state) == (40.0, "Fetching", 5, 20, "pages")
    state.step("Fetching", 20, None, None)  # another one of the same name
    assert state.snapshot("processing").done is None


def test_earlier_step_that_is_repeated_leaves_the_bar_where_it_was(halfway, clock):
    state = resumed(halfway, clock)
    state.step("Logging in", None, None, 10)
    assert shown(state)[:2] == (40.0, "Logging in")
    state.step("Fetching", 10, "pages", 80)
    state.count_here(10, None, None, None)
    assert shown(state) == (80.0, "Fetching", 10, 10, "pages")


def test_work_before_the_checkpoint_does_not_count_for_the_rate(halfway, clock):
    state = resumed(halfway, clock)
    rates = []
    for second in range(1, 11):
        clock.now = float(second)
        state.level.done += 0.5
        rates.append(state.snapshot("processing").rate or 0.0)
    assert max(rates) == pytest.approx(0.5)


@pytest.mark.parametrize(("initial", "total", "done"), [(5, 10, 6), (3, 10, 4), (0, 7, 1)])
def test_loop_after_a_checkpoint_shows_its_own_count(halfway, clock, initial, total, done):
    state = resumed(halfway, clock)
    track = state.begin(total=total, unit=None, message=None, initial=initial)
    track.counter.done += 1
    event = state.snapshot("processing")
    assert (event.done, event.total, event.sub) == (done, total, None)
    leave(track)


def test_attempt_that_begins_from_the_start_after_all_counts_from_0_and_its_bar_waits(halfway, clock):
    state = resumed(halfway, clock)
    state.restart()
    state.count_here(1, 10, None, None)
    assert shown(state) == (46.0, "", 1, 10, "")
