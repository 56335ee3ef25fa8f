"""Rate and time left: the formula, and when it is shown."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headway.progress.estimate import (
    BASELINE_SECONDS,
    DROP_UPDATES,
    GROWTH_SECONDS,
    MIN_REPORTS,
    MIN_SECONDS,
    MIN_SHARE,
    Average,
    Estimate,
)
from tests.fixtures.estimators import WORK, WithoutBaseline, score


def direct_rate(history: list[tuple[float, float]]) -> float | None:
    """The formula written out: every piece of work and of time, each forgotten by all that came after it."""
    work = time = 0.0
    moments = [at for at, _ in history]
    for i in range(1, len(history)):
        kept = math.prod(
            math.exp(-(moments[j] - moments[j - 1]) / min(max(0.3 * (moments[j] - moments[0]), 15.0), 600.0))
            for j in range(i + 1, len(history))
        )
        work += (history[i][1] - history[i - 1][1]) * kept
        time += (moments[i] - moments[i - 1]) * kept
    return work / time if time > 0 and work > 0 else None


def steady(per_second: float, seconds: int, total: float | None = None, start: float = 100.0) -> Estimate:
    estimate = Estimate(start)
    for second in range(1, seconds + 1):
        estimate.update(start + second, per_second * second, total)
    return estimate


pauses = st.floats(0.001, 2000.0)
pieces = st.floats(0.01, 1e6)


@given(st.floats(0, 1e6), st.lists(st.tuples(pauses, pieces), min_size=1, max_size=30))
def test_the_rate_is_the_formula_written_out(start, changes):
    average, history = Average(), [(start, 0.0)]
    for pause, piece in changes:
        history.append((history[-1][0] + pause, history[-1][1] + piece))
        average.add(piece, pause, min(max(0.3 * (history[-1][0] - start), 15.0), 600.0))
    assert average.rate == pytest.approx(direct_rate(history), rel=1e-6)


@given(st.floats(0.01, 1e4), st.lists(pauses, min_size=1, max_size=50))
def test_steady_work_gives_the_exact_rate_however_it_is_reported(per_second, gaps):
    estimate, now, measured = Estimate(0.0), 0.0, 0
    for gap in gaps:
        now += gap
        measured += now >= BASELINE_SECONDS
        estimate.update(now, per_second * now)
    assert estimate.rate == (None if measured < 2 else pytest.approx(per_second))


def test_steady_work_gives_the_exact_time_left():
    assert steady(2.0, 60, total=200.0).eta(160.0) == pytest.approx(40.0)


def test_the_rate_follows_work_that_slows_down():
    estimate = steady(10.0, 60)
    for second in range(1, 121):
        estimate.update(160.0 + second, 600.0 + second)
    assert 1.0 < estimate.rate < 1.2


def test_a_long_run_does_not_jump_at_a_hiccup():
    long, short = steady(10.0, 3600), steady(10.0, 30)
    long.update(3700.0 + 20.0, 36001.0)
    short.update(130.0 + 20.0, 301.0)
    assert long.rate > 9.6
    assert short.rate < 5.0


def test_a_burst_counts_by_its_work_and_a_pause_by_its_time():
    estimate = Estimate(0.0)
    done = 0.0
    for burst in range(1, 40):
        for tick in range(10):
            done += 1.0
            estimate.update(burst * 10.0 + tick * 0.001, done)
    assert estimate.rate == pytest.approx(1.0, rel=0.3)


# What is no work of this run


def test_what_was_done_before_the_first_report_is_no_speed():
    estimate = Estimate(3.0, 900.0)
    for second in range(1, 6):
        estimate.update(3.0 + second, 900.0 + 2 * second, 1000.0)
    assert estimate.rate == pytest.approx(2.0)


def test_skipping_rows_in_an_instant_is_no_speed():
    estimate = Estimate(0.0)
    estimate.update(0.1, 900.0, 1000.0)
    estimate.update(1.1, 902.0, 1000.0)
    assert estimate.rate is None
    for second in range(2, 10):
        estimate.update(0.1 + second, 900.0 + 2 * second, 1000.0)
    assert estimate.rate == pytest.approx(2.0)
    assert estimate.eta(9.1) == pytest.approx(41.0)


def test_skipping_that_takes_seconds_is_forgotten_after_a_few_reports():
    estimate = steady(100.0, 9)
    for report in range(1, DROP_UPDATES + 1):
        assert estimate.rate > 50
        estimate.update(109.0 + report, 900.0 + 2 * report)
    assert estimate.rate == pytest.approx(2.0)


def test_work_that_alternates_keeps_its_average():
    estimate, now, done = Estimate(0.0), 0.0, 0.0
    rates = []
    for _ in range(20):
        for work, seconds in [(100.0, 0.1), *[(1.0, 1.0)] * 10]:
            now, done = now + seconds, done + work
            estimate.update(now, done)
            rates.append(estimate.rate)
    assert min(rates[50:]) > 5


def test_one_sample_is_no_rate():
    estimate = Estimate(0.0)
    estimate.update(5.0, 1.0, 9.0)
    assert estimate.rate is None
    estimate.update(10.0, 2.0, 9.0)
    assert estimate.rate == pytest.approx(0.2)


@pytest.mark.parametrize("baseline", [(0.0, 0.0), (5.0, 1.0)], ids=["a tracked loop", "a first report"])
def test_few_long_items_have_a_time_left_after_three(baseline):
    estimate = Estimate(*baseline)
    for item in (1, 2, 3):
        estimate.update(5.0 * item, item, 9.0)
    assert estimate.eta(15.0) == pytest.approx(30.0)


# Beside other estimators. `python -m tests.fixtures.estimators` prints the table.


@pytest.mark.parametrize("work", WORK)
def test_no_kind_of_work_is_estimated_worse_than_without_a_baseline(work):
    ours, before = score(Estimate, WORK[work]), score(WithoutBaseline, WORK[work])
    assert ours.shown >= before.shown
    assert math.isnan(before.error) or ours.error <= before.error + 0.002


@pytest.mark.parametrize("work", [work for work in WORK if work.startswith(("few", "resumed", "skips"))])
def test_resumed_work_and_few_items_are_estimated_well(work):
    ours = score(Estimate, WORK[work])
    assert ours.error < 0.1
    assert ours.shown > 0.75


# When it is shown


def test_there_is_no_rate_before_anything_was_done():
    estimate = Estimate(0.0)
    assert estimate.rate is None
    estimate.update(5.0, 0.0, 10.0)
    assert estimate.rate is None
    assert estimate.eta(5.0) is None


def test_there_is_no_rate_before_time_has_passed():
    estimate = Estimate(7.0)
    estimate.update(7.0, 50.0)
    assert estimate.rate is None


@pytest.mark.parametrize(
    ("updates", "seconds", "share", "shown"),
    [
        (MIN_REPORTS, MIN_SECONDS, MIN_SHARE, True),
        (MIN_REPORTS - 1, MIN_SECONDS, MIN_SHARE, False),
        (MIN_REPORTS, MIN_SECONDS - 0.01, MIN_SHARE, False),
        (MIN_REPORTS, MIN_SECONDS, MIN_SHARE - 0.001, False),
        (100, 60.0, 0.5, True),
    ],
)
def test_time_left_is_shown_after_ten_updates_five_seconds_and_two_percent(updates, seconds, share, shown):
    estimate = Estimate(0.0)
    for i in range(1, updates + 1):
        estimate.update(seconds * i / updates, 1000 * share * i / updates, 1000.0)
    assert (estimate.eta(seconds) is not None) is shown


def test_an_update_that_brings_nothing_does_not_count():
    estimate = Estimate(0.0)
    for _ in range(50):
        estimate.update(6.0, 500.0, 1000.0)
    assert estimate.eta(6.0) is None


@pytest.mark.parametrize("total", [None, 0.0, -1.0])
def test_without_a_total_there_is_a_rate_but_no_time_left(total):
    estimate = steady(2.0, 60, total)
    assert estimate.rate == pytest.approx(2.0)
    assert estimate.eta(160.0) is None


def test_time_left_is_hidden_while_the_total_grows():
    estimate = steady(2.0, 60, total=200.0)
    assert estimate.eta(160.0) is not None
    estimate.update(161.0, 122.0, 300.0)
    assert estimate.eta(161.0) is None
    assert estimate.eta(161.0 + GROWTH_SECONDS - 0.01) is None
    assert estimate.eta(161.0 + GROWTH_SECONDS) == pytest.approx(89.0)


@pytest.mark.parametrize("total", [200.0, 150.0])
def test_a_total_that_stays_or_shrinks_hides_nothing(total):
    estimate = steady(2.0, 60, total=200.0)
    estimate.update(161.0, 122.0, total)
    assert estimate.eta(161.0) == pytest.approx((total - 122.0) / 2.0)


def test_a_growth_without_work_hides_the_time_left_too():
    estimate = steady(2.0, 60, total=200.0)
    estimate.update(161.0, 120.0, 300.0)
    assert estimate.eta(161.0) is None


def test_more_done_than_the_total_leaves_nothing():
    assert steady(2.0, 60, total=100.0).eta(160.0) == 0.0


def test_the_estimate_stands_still_in_a_stall():
    estimate = steady(2.0, 60, total=200.0)
    before = estimate.rate, estimate.eta(160.0)
    estimate.update(500.0, 120.0, 200.0)
    assert (estimate.rate, estimate.eta(500.0)) == before


def test_the_stall_counts_when_work_continues():
    estimate = steady(2.0, 60)
    estimate.update(500.0, 121.0)
    assert estimate.rate < 0.5


def test_a_count_that_falls_restarts_without_negative_work():
    estimate = steady(2.0, 60)
    estimate.update(161.0, 0.0)
    assert estimate.rate == pytest.approx(2.0)
    estimate.update(162.0, 4.0)
    assert estimate.rate == pytest.approx(2.0)
    estimate.update(163.0, 50.0)
    assert estimate.rate > 3.0


def test_a_clock_that_goes_back_changes_nothing():
    estimate = steady(2.0, 60)
    estimate.update(50.0, 130.0)
    assert 2.0 < estimate.rate < 3.0


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e300, 1e300), st.none() | st.floats(-1e300, 1e300))))
@example([(2.0, 5e-324, None)])
def test_no_numbers_raise(updates):
    estimate = Estimate(0.0)
    for now, done, total in updates:
        estimate.update(now, done, total)
        assert estimate.rate is None or estimate.rate > 0
        eta = estimate.eta(now)
        assert eta is None or eta >= 0
