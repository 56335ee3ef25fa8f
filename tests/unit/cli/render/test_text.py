"""Formatting of numbers and untrusted text."""

from __future__ import annotations

import pytest

from headway.cli.render.text import amount, count, duration, one_line, percent, plain, short_id, speed


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-3, "0 s"),
        (0.9, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (89, "1 min 20 s"),
        (599, "9 min 50 s"),
        (659, "10 min"),
        (3599, "59 min"),
        (3725, "1 h 2 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_get_coarser_as_they_grow(seconds: float, shown: str) -> None:
    """An estimate is not precise to the second an hour ahead."""
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0 %"), (0.99, "0 %"), (42.0, "42 %"), (99.99, "99 %"), (100, "100 %")]
)
def test_hundred_percent_is_shown_only_at_the_end(value: float, shown: str) -> None:
    """Rounded down."""
    assert percent(value) == shown


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(3.14, "3.1 p/s"), (31.4, "31 p/s"), (12_345, "12,345 p/s"), (0.5, "30 p/min"), (0.01, "0.6 p/min")],
)
def test_slow_rates_are_per_minute(rate: float, shown: str) -> None:
    """Instead of 0.0 per second."""
    assert speed(rate, "p") == shown


def test_counts_have_separators() -> None:
    """And a unit if there is one."""
    assert (count(12345.0), count(0.25)) == ("12,345", "0.2")
    assert (amount(1000, 2000, "rows"), amount(5, None)) == ("1,000/2,000 rows", "5")


@pytest.mark.security
def test_control_characters_are_removed() -> None:
    """Escape sequences, carriage returns, C1 controls, the bell."""
    assert plain("a\x1b]0;title\x07b\rc\x9b31md\x00e\x7f\tf\ng") == "a]0;titlebc31mde\tf\ng"
    assert one_line("a\n b\t\x1bc") == "a b c"


def test_long_ids_are_shown_by_their_end() -> None:
    """Ids created at the same time have the same beginning."""
    assert short_id("t1") == "t1"
    assert short_id("06gvo8jheds2j05omsig89n1qg") == "…msig89n1qg"
