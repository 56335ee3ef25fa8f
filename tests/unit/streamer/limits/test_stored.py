"""How many bytes each tenant has stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_streamer.limits import stored as module
from headway_streamer.limits.stored import StoredBytes

pytestmark = pytest.mark.security


class Made:
    def __init__(self, most=1000):
        self.now = 100.0
        self.stored = StoredBytes(most, lambda: self.now)

    def add(self, key, size):
        return self.stored.rejection(key, size) is None


def test_a_tenant_stores_no_more_than_it_may_and_another_is_not_affected():
    made = Made()
    assert [made.add("a", 400) for _ in range(3)] == [True, True, False]
    assert made.add("b", 1000)
    assert made.add("a", 200)
    error = made.stored.rejection("a", 1)
    assert str(error) == "the tasks of your tenant use 1,000 of 1,000 bytes, and this one needs 1"


def test_without_a_limit_nothing_is_counted():
    made = Made(0)
    assert made.add("a", 1 << 50)
    assert made.stored.used("a") == 0


def test_sums_replace_what_was_accepted_before_they_were_begun():
    made = Made()
    made.add("a", 300)
    made.now += 10
    made.add("a", 200)
    made.now += 1
    made.stored.summed({"a": 350}, age_seconds=5)
    assert made.stored.used("a") == 550
    made.now += 20
    made.stored.summed({"a": 1}, age_seconds=30)
    assert made.stored.used("a") == 550
    made.stored.summed({"a": 580}, age_seconds=5)
    assert made.stored.used("a") == 580
    made.stored.summed({}, age_seconds=5)
    assert made.stored.used("a") == 0


def test_reports_carry_what_is_new_once():
    made, other = Made(), Made()
    made.add("a", 300)
    made.stored.sum_up({"b": 5}, age_seconds=2)
    made.now += 1
    added, sums, age = made.stored.report()
    assert (added, sums, age) == ({"a": 300}, {"b": 5}, 3)
    other.stored.hear(added)
    other.stored.summed(sums, age)
    assert (other.stored.used("a"), other.stored.used("b")) == (300, 5)
    assert made.stored.report() == ({}, None, 0)


def test_a_report_names_the_largest(monkeypatch):
    monkeypatch.setattr(module, "MAX_SENT", 2)
    made = Made()
    for key, size in (("a", 1), ("b", 3), ("c", 2)):
        made.add(key, size)
    assert made.stored.report()[0] == {"b": 3, "c": 2}


@given(steps=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50), st.booleans(), st.floats(0, 20)), max_size=200))
def test_never_less_is_counted_than_is_stored(steps):
    """Sums of any age: what they may have missed is still counted."""
    made = Made(most=1 << 60)
    times = []
    for pause, size, sums, age in steps:
        made.now += pause
        if sums:
            began = made.now - age
            made.stored.summed({"a": sum(size for at, size in times if at < began)}, age)
        else:
            made.add("a", size)
            times.append((made.now, size))
        assert made.stored.used("a") >= sum(size for _, size in times)


def test_time_without_sums_takes_no_more_memory():
    made = Made(most=1 << 60)
    for _ in range(1000):
        made.now += 2
        made.add("a", 1)
    assert len(made.stored._slices) <= module.MAX_SLICES + 1
    assert made.stored.used("a") == 1000
    made.now += 10
    made.stored.summed({"a": 1000}, 1)
    assert made.stored.used("a") == 1000
