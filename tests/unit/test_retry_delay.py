"""The pause before another attempt: a table."""

import math

import pytest

from headway.retry_delay import RetryDelay, asked


@pytest.mark.parametrize(("failed", "seconds"), [(0, 0.5), (1, 1.0), (2, 2.0), (6, 32.0), (7, 60.0), (100_000, 60.0)])
def test_pause_doubles_up_to_a_minute(failed, seconds):
    assert RetryDelay().seconds(failed, 0.5, roll=0.5) == seconds


@pytest.mark.parametrize(("roll", "seconds"), [(0.0, 9.0), (0.5, 10.0), (1.0, 11.0)])
def test_jitter_spreads_the_pause_around_its_value(roll, seconds):
    assert RetryDelay().seconds(0, 10.0, roll) == pytest.approx(seconds)


def test_kind_sets_its_own_pauses():
    delay = RetryDelay(first_seconds=3.0, backoff=1.0, max_seconds=2.5, jitter=0.0)
    assert [delay.seconds(failed, 1.0, 0.9) for failed in (0, 5)] == [2.5, 2.5]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (30, 30.0),
        (0, 0.0),
        (1e9, 86_400.0),
        (10**400, 86_400.0),
        (math.inf, 86_400.0),
        (math.nan, None),
        (-1, None),
        ("30", None),
    ],
)
def test_error_asks_for_its_own_pause(given, seconds):
    assert asked(given) == seconds


def test_error_that_asks_for_nothing_gets_the_pause_of_its_kind():
    assert asked(None) is None
    assert asked(True) is None  # a flag is no number of seconds
