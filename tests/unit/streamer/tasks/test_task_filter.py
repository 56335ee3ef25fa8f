"""Times by which lists are sorted."""

import math

import pytest

from headway_streamer.tasks.task_filter import micros


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(1763690000.123, 1_763_690_000_123_000), (0.0, 0), (-1.0, 0), (math.nan, 0), (math.inf, 10**17), (1e300, 10**17)],
)
def test_times_are_microseconds(seconds, expected):
    assert micros(seconds) == expected


@pytest.mark.parametrize("seconds", [1763690000.123, 0.001, 4_000_000_000.999])
def test_a_time_in_milliseconds_is_found_again(seconds):
    assert micros(seconds) / 1e6 == seconds
