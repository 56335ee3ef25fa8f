"""Moments on the command line."""

from __future__ import annotations

import time
from datetime import datetime

import click
import pytest

from headway.cli.moment import Later, Moment, Time, local


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800), ("1w", 604_800)]
)
def test_age_is_subtracted_from_now(text: str, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each unit."""
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert Moment().convert(text, None, None) == 1e9 - seconds


def test_time_may_have_a_zone() -> None:
    """Without one it is local."""
    assert Moment().convert("1970-01-02T01:00+01:00", None, None) == 86_400
    assert Moment().convert("2026-11-27", None, None) == datetime(2026, 11, 27).timestamp()  # noqa: DTZ001 - local


@pytest.mark.parametrize("text", ["", "yesterday", "2 hours", "h", "-1h", "9999999999d"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(click.BadParameter, match="such as 90s"):
        Moment().convert(text, None, None)


def test_delay_is_added_to_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """In each unit."""
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert Later().convert("2h", None, None) == 1e9 + 7200
    with pytest.raises(click.BadParameter, match="such as 90s"):
        Later().convert("2026-12-01", None, None)


def test_time_is_a_date_and_no_age() -> None:
    """Since 2h would be taken for two hours from now."""
    assert Time().convert("1970-01-02T01:00+01:00", None, None) == 86_400
    with pytest.raises(click.BadParameter, match="such as 2026-12-01T08:00"):
        Time().convert("2h", None, None)


def test_moment_is_shown_in_the_local_zone() -> None:
    """As it is entered."""
    seconds = datetime(2026, 12, 1, 8, 30).timestamp()  # noqa: DTZ001 - local
    assert local(seconds).startswith("2026-12-01 08:30:00")
