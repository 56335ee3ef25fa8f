"""Rate and time left from the last progress in the log."""

import pytest

from headway.testing import progress
from headway_streamer.reports.pace import Pace, pace

BEGAN = 1000.0


def at(seconds, done=None, **fields):
    return progress(at=BEGAN + seconds, done=done, **fields)


def paces(*counts, total=None):
    """The paces of reports (seconds, done), each after the one before."""
    before, found = at(0.0), []
    for seconds, done in counts:
        now = at(seconds, done, total=total)
        found.append(pace(before, now, BEGAN))
        now.rate = found[-1].rate
        before = now
    return found


def test_steady_work_has_its_rate_from_the_second_count_on():
    found = paces(*((n, 3.0 * n) for n in range(1, 100)), total=300.0)
    assert found[0] == Pace()
    assert all(each.rate == pytest.approx(3.0) for each in found[1:])
    assert found[-1].eta == pytest.approx(1.0)


def test_the_rate_follows_work_that_becomes_slower():
    found = paces(*((n, 10.0 * n) for n in range(1, 61)), *((60 + n, 600.0 + n) for n in range(1, 121)))
    assert found[59].rate == pytest.approx(10.0)
    assert 1.0 < found[-1].rate < 2.0
    rates = [each.rate for each in found[60:]]
    assert rates == sorted(rates, reverse=True)


def test_reports_without_work_lower_the_rate_as_much_as_one_pause():
    counted = paces((1, 10.0), (2, 20.0), (3, 20.0), (4, 20.0), (5, 30.0))
    assert 0.0 < counted[3].rate < counted[1].rate
    assert counted[4].rate == pytest.approx(paces((1, 10.0), (2, 20.0), (5, 30.0))[2].rate, rel=0.05)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (at(0.0), at(1.0, 5.0)),
        (at(0.0, 5.0), at(1.0)),
        (at(0.0, 5.0), at(1.0, 4.0)),
        (at(0.0, 5.0, unit="rows"), at(1.0, 6.0, unit="bytes")),
        (at(0.0, 5.0), at(1.0, 5.0)),
        (at(1.0, 5.0), at(1.0, 9.0)),
        (at(1.0, 0.0), at(1.0 + 1e-300, 1.7e308)),
    ],
)
def test_without_two_counts_of_the_same_work_over_time_there_is_no_rate(before, now):
    assert pace(before, now, BEGAN).rate is None


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (at(1.0, 5.0, total=100.0), at(4.0, 50.0, total=100.0)),
        (at(1.0, 5.0, total=1e6), at(9.0, 50.0, total=1e6)),
        (at(1.0, 5.0, total=90.0), at(9.0, 50.0, total=100.0)),
        (at(1.0, 5.0), at(9.0, 50.0)),
    ],
)
def test_there_is_no_time_left_early_or_while_the_total_grows_or_without_one(before, now):
    assert pace(before, now, BEGAN).rate is not None
    assert pace(before, now, BEGAN).eta is None


def test_a_clock_that_goes_back_ends_in_numbers():
    before = at(50.0, 10.0, rate=2.0)
    found = pace(before, at(20.0, 12.0, total=50.0), BEGAN)
    assert found.rate > 0
    assert pace(before, at(-20.0, 12.0), BEGAN).rate == 2.0
