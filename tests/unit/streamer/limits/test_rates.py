"""How often a key may do something."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_streamer.limits import rates
from headway_streamer.limits.rates import Rates

pytestmark = pytest.mark.security


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def take(counted, key="a"):
    """Whether one more was allowed; it is taken then."""
    if counted.wait(key):
        return False
    counted.take(key)
    return True


def test_a_burst_and_then_the_average_rate():
    clock = Clock()
    counted = Rates(2.0, 5, clock)
    assert [take(counted) for _ in range(7)] == [True] * 5 + [False] * 2
    assert counted.wait("a") == pytest.approx(0.5)
    clock.now += 0.5
    assert [take(counted) for _ in range(2)] == [True, False]
    clock.now += 100
    assert [take(counted) for _ in range(7)] == [True] * 5 + [False] * 2


def test_one_key_does_not_delay_another():
    counted = Rates(1.0, 2, Clock())
    while take(counted, "a"):
        pass
    assert [take(counted, "b") for _ in range(3)] == [True, True, False]


@given(
    per_second=st.floats(0.1, 100),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 2), max_size=200),
)
def test_no_more_is_taken_than_the_burst_and_the_rate_allow(per_second, burst, pauses):
    clock = Clock()
    counted, taken = Rates(per_second, burst, clock), []
    for pause in pauses:
        clock.now += pause
        if take(counted):
            taken.append(clock.now)
        else:  # and not a moment longer than it says
            clock.now += counted.wait("a") + 1e-6
            assert take(counted)
            taken.append(clock.now)
    for first in range(0, len(taken), 7):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + per_second * (taken[last] - taken[first]) + 1e-3


def test_what_is_taken_elsewhere_counts_and_is_paid_back():
    clock = Clock()
    here, there = Rates(10.0, 10, clock), Rates(10.0, 10, clock)
    for counted in (here, there):
        assert sum(take(counted) for _ in range(20)) == 10
    for one, other in ((here, there), (there, here)):
        other.hear(one.report())
    assert here.wait("a") == there.wait("a") == pytest.approx(1.1)
    assert here.report() == {}


@given(
    steps=st.lists(st.tuples(st.integers(0, 2), st.floats(0, 0.3)), max_size=300),
    burst=st.integers(1, 20),
)
def test_streamers_together_exceed_the_limit_by_what_was_not_yet_reported(steps, burst):
    """Reports arrive at each second; in the worst case each streamer allows in between what all may."""
    clock, per_second = Clock(), 5.0
    streamers = [Rates(per_second, burst, clock) for _ in range(3)]
    began, reported, taken = clock.now, clock.now, 0
    for number, pause in steps:
        clock.now += pause
        taken += take(streamers[number])
        if clock.now - reported >= 1.0:
            reported = clock.now
            for index, found in [(i, one.report()) for i, one in enumerate(streamers)]:
                for other, hearing in enumerate(streamers):
                    if other != index:
                        hearing.hear(found)
    unreported = 2 * (burst + per_second * 1.3)
    assert taken <= burst + per_second * (clock.now - began) + unreported


def test_others_are_told_early_of_a_key_that_takes_much():
    calls = []
    counted = Rates(1.0, 32, Clock())
    counted.on_much = lambda: calls.append(counted.report())
    for _ in range(4):
        counted.take("a")
    assert calls == [{"a": 2}, {"a": 2}]


def test_a_report_names_those_who_took_most(monkeypatch):
    monkeypatch.setattr(rates, "MAX_SENT", 2)
    counted = Rates(1.0, 32, Clock())
    counted.hear({"z": 9})
    for key in "abbccc":
        counted.take(key)
    assert counted.report() == {"b": 2, "c": 3}


def test_many_keys_take_no_memory_that_stays(security_figures):
    clock = Clock()
    counted = Rates(50.0, 1000, clock)
    for number in range(200_000):
        clock.now += 0.0002
        counted.take(f"{number:032x}")
        if not number % 5_000:
            counted.report()
    kept = len(counted._full_at)
    assert kept < 1000
    slow = Rates(0.01, 1, clock)
    for number in range(rates.MAX_KEYS + 10_000):
        slow.take(f"{number:032x}")
        if not number % 5_000:
            slow.report()
    assert len(slow._full_at) <= rates.MAX_KEYS
    size = sys.getsizeof(slow._full_at) + sum(sys.getsizeof(key) + 24 for key in slow._full_at)
    security_figures(16, "200,000 owners, each once", kept=kept, most=rates.MAX_KEYS, most_MB=round(size / 1e6, 1))
