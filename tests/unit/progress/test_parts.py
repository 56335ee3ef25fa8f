"""What the tasks that a step consists of add up to."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.progress.parts import Parts


def parts(*weights):
    made = Parts()
    for place, weight in enumerate(weights):
        made.add(str(place), weight)
    return made


def test_each_part_moves_the_bar_by_its_own_progress_and_its_weight():
    made = parts(3, 1)
    made.note("0", 50.0, ended=False)
    view = made.view()
    assert (view.done, view.total, view.unit, view.share, view.ahead) == (0.0, 2.0, "parts", 0.375, 0.75)


def test_a_part_that_has_ended_counts_as_a_whole_whatever_its_end():
    made = parts(1, 1)
    made.note("1", 20.0, ended=True)
    view = made.view()
    assert (view.done, view.share) == (1.0, 0.5)


def test_a_part_never_goes_back():
    made = parts(1)
    assert made.note("0", 60.0, ended=False) is True
    assert made.note("0", 10.0, ended=False) is False
    assert made.view().share == 0.6
    made.note("0", 0.0, ended=True)
    made.note("0", 50.0, ended=False)  # of an event that came late
    assert (made.view().done, made.view().share) == (1.0, 1.0)


def test_a_part_is_counted_once():
    made = parts(1)
    made.add("0", 5)
    assert made.view().total == 1.0


@pytest.mark.parametrize("weight", [0, -1, math.inf, math.nan, "2", None])
def test_a_weight_is_a_number_above_0(weight):
    with pytest.raises(ValueError, match="weight is a number above 0"):
        Parts().add("x", weight)


@given(st.lists(st.tuples(st.floats(1e-3, 1e6), st.floats(0, 100), st.booleans()), min_size=1, max_size=20))
def test_the_share_is_0_to_1_and_1_only_when_all_is_done(rows):
    made = parts(*(weight for weight, _, _ in rows))
    for place, (_, percent, ended) in enumerate(rows):
        made.note(str(place), percent, ended=ended)
    view = made.view()
    assert 0.0 <= view.share <= 1.0
    if all(ended for _, _, ended in rows):
        assert (view.done, view.share) == (len(rows), 1.0)
