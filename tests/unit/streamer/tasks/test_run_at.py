"""When a task begins, as callers write it."""

import pytest

from headway_streamer.problems import Problem
from headway_streamer.tasks.run_at import DAY, most_ahead, read_run_at

NOW = 1_796_000_000.0  # 2026-11-30T00:53:20Z
WEEK = 7 * DAY


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (None, None),
        (0, None),
        (-5.5, None),
        (NOW, None),
        ("1970-01-01T00:00:00Z", None),
        (NOW + 1, NOW + 1),
        (NOW + 0.0016, NOW + 0.002),
        ("2026-12-01T08:00:00+01:00", 1_796_108_400.0),
        ("2026-12-01T07:00Z", 1_796_108_400.0),
        (NOW + 6 * DAY, NOW + 6 * DAY),
    ],
)
def test_a_time_is_seconds_or_rfc_3339_and_one_in_the_past_is_now(given, seconds):
    assert read_run_at(given, NOW, WEEK) == seconds


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ("tomorrow", "a time with its zone"),
        ("", "a time with its zone"),
        ("2026-12-01T08:00:00", "a time with its zone"),
        ("9999-12-31T23:59:59-14:00", "at most 6 days ahead"),
        (NOW + 6 * DAY + 1, "at most 6 days ahead, which is 2026-12-06T00:53:20"),
        (1e300, "at most 6 days"),
        (float("inf"), "at most 6 days"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_pointer(given, detail):
    with pytest.raises(Problem) as caught:
        read_run_at(given, NOW, WEEK)
    [error] = caught.value.errors
    assert (caught.value.status, error["pointer"]) == (422, "/run_at")
    assert detail in error["detail"]


@pytest.mark.parametrize(
    ("retention", "most"), [(WEEK, 6 * DAY), (DAY, DAY / 2), (400 * DAY, 30 * DAY), (float("inf"), 30 * DAY)]
)
def test_a_task_begins_while_its_record_is_kept(retention, most):
    assert most_ahead(retention) == most
