"""Distinct and frequent values in bounded memory."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_kinds.bulk.sketch import Distinct, Frequent

VALUES = st.lists(st.text("abc", max_size=3), max_size=200)


@given(VALUES)
def test_few_values_are_counted_exactly(values):
    sketch = Distinct(100)
    sketch.add(values)
    assert (sketch.estimate(), sketch.exact) == (len(set(values)), True)


def test_many_values_are_estimated_closely():
    sketch = Distinct(4096)
    for start in range(0, 200_000, 1000):
        sketch.add(str(number) for number in range(start, start + 1000))
    assert not sketch.exact
    # Six times the standard error of 1 / sqrt(4096): the hashes differ from run to run.
    assert sketch.estimate() == pytest.approx(200_000, rel=6 / 64)


def test_seeing_the_same_values_again_changes_nothing():
    sketch = Distinct(1000)
    values = [str(number) for number in range(20_000)]
    sketch.add(values)
    once = sketch.estimate()
    for _ in range(5):
        sketch.add(values)
    assert sketch.estimate() == once


def test_at_the_limit_the_count_is_exact_and_one_beyond_it_is_not():
    sketch = Distinct(100)
    sketch.add(map(str, range(100)))
    assert (sketch.exact, sketch.estimate()) == (True, 100)
    sketch.add(["x"])
    assert not sketch.exact


def test_what_is_kept_does_not_grow_with_the_stream():
    sketch = Distinct(100)
    for number in range(50_000):
        sketch.add([str(number)])
    assert len(sketch._hashes) <= 100 + 1024


@given(VALUES)
def test_frequent_values_are_exact_while_they_fit(values):
    sketch = Frequent(100)
    sketch.add(Counter(values))
    expected = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    assert (sketch.top(5), sketch.error) == (expected[:5], 0)


@given(st.lists(VALUES, max_size=10), st.integers(1, 8))
def test_a_count_is_never_too_high_and_too_low_by_no_more_than_the_error(batches, limit):
    sketch, truth = Frequent(limit), Counter()
    for batch in batches:
        sketch.add(Counter(batch))
        truth.update(batch)
    found = dict(sketch.top(1000))
    assert len(found) <= 2 * limit
    assert sketch.error <= truth.total() / (limit + 1)
    for value, count in truth.items():
        assert count - sketch.error <= found.get(value, 0) <= count
