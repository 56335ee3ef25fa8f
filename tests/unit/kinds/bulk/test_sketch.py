"""Distinct and frequent values in bounded memory."""

import subprocess
import sys
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_kinds.bulk.sketch import Distinct, Frequent, FrequentState

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


def test_sketches_that_are_stored_and_continued_are_those_of_all_values():
    """Also by another process, whose hashes of strings are others."""
    values = [str(number % 3000) for number in range(8000)]
    whole, first = Distinct(1000), Distinct(1000)
    whole._salt = first._salt
    frequent, first_frequent = Frequent(100), Frequent(100)
    whole.add(values)
    first.add(values[:4000])
    for start in (0, 4000):
        frequent.add(Counter(values[start : start + 4000]))
    first_frequent.add(Counter(values[:4000]))
    code = (
        "import sys, msgspec; from headway_kinds.bulk.sketch import Distinct, DistinctState\n"
        "sketch = Distinct(1000, msgspec.msgpack.decode(sys.stdin.buffer.read(), type=DistinctState))\n"
        "sketch.add([str(number % 3000) for number in range(4000, 8000)]); print(sketch.estimate())"
    )
    stored = msgspec.msgpack.encode(first.state)
    found = subprocess.run([sys.executable, "-c", code], input=stored, capture_output=True, check=True)
    assert int(found.stdout) == whole.estimate()
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(first_frequent.state), type=FrequentState)
    continued = Frequent(100, again)
    continued.add(Counter(values[4000:]))
    assert (continued.top(5), continued.error) == (frequent.top(5), frequent.error)
