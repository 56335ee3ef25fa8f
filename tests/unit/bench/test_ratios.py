import math

import pytest

from bench.compare.ratios import Comparison, Metric, Sample, collect, mirrored, report, sides_in_order

FAST = Metric("fan-out", "events/CPU-s")
SMALL = Metric("memory", "KiB each", higher_is_better=False)


@pytest.mark.parametrize(
    ("metric", "base", "new", "ratio"),
    [
        (FAST, 100.0, 110.0, 1.1),
        (FAST, 110.0, 100.0, 100 / 110),
        (SMALL, 4.0, 2.0, 2.0),
        (SMALL, 2.0, 4.0, 0.5),
        (SMALL, 3.0, 3.0, 1.0),
    ],
)
def test_a_ratio_above_1_is_better_whatever_the_metric(metric, base, new, ratio):
    assert Sample(metric, base, new).ratio == pytest.approx(ratio)


@pytest.mark.parametrize(("base", "new"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_a_figure_that_is_not_positive_has_no_ratio(base, new):
    assert math.isnan(Sample(FAST, base, new).ratio)


def test_pairs_alternate_in_their_order():
    assert [sides_in_order(pair) for pair in range(3)] == [("base", "new"), ("new", "base"), ("base", "new")]


def test_the_windows_of_a_pair_are_in_mirrored_order():
    assert mirrored(("base", "new")) == ["base", "new", "new", "base"]


def test_a_row_has_the_median_of_the_paired_ratios_and_not_the_ratio_of_the_medians():
    samples = [Sample(FAST, 100, 110), Sample(FAST, 1000, 900), Sample(FAST, 10, 12)]
    row = Comparison(FAST, samples).row()
    assert (row["base"], row["new"]) == (100, 110)
    assert (row["ratio"], row["range"], row["pairs"]) == ("1.100", "0.900 to 1.200", 3)
    samples[1] = Sample(FAST, 1000, 3000)
    assert Comparison(FAST, samples).row()["ratio"] == "1.200"


def test_samples_without_a_ratio_leave_the_others():
    comparison = Comparison(FAST, [Sample(FAST, 0, 1), Sample(FAST, 10, 11)])
    assert comparison.ratios == [pytest.approx(1.1)]
    assert Comparison(FAST, [Sample(FAST, 0, 1)]).row()["ratio"] == "–"
    assert Comparison(FAST, [Sample(FAST, 0, 1)]).record()["median"] is None


def test_missing_events_are_summed():
    comparison = Comparison(FAST, [Sample(FAST, 1, 1, missing=2), Sample(FAST, 1, 1, missing=3)])
    assert comparison.row()["missing"] == comparison.record()["missing"] == 5


def test_samples_are_grouped_by_metric_in_the_order_of_appearance():
    found = collect([Sample(SMALL, 1, 1), Sample(FAST, 1, 1), Sample(SMALL, 2, 2)])
    assert [(comparison.metric, len(comparison.samples)) for comparison in found] == [(SMALL, 2), (FAST, 1)]


def test_the_record_says_which_direction_is_better():
    assert Comparison(SMALL, [Sample(SMALL, 4, 2)]).record() == {
        "unit": "KiB each",
        "better": "lower",
        "median": 2.0,
        "lowest": 2.0,
        "highest": 2.0,
        "ratios": [2.0],
        "base": [4],
        "new": [2],
        "missing": 0,
    }


def test_the_report_has_a_line_per_metric():
    text = report(collect([Sample(FAST, 1234.4, 2345.6), Sample(SMALL, 4.1234, 2)]))
    _, heads, _, fast, small = text.splitlines()
    assert heads.split()[:5] == ["question", "unit", "base", "new", "ratio"]
    assert fast.split() == ["fan-out", "events/CPU-s", "1,234", "2,346", "1.900", "1.900", "to", "1.900", "1", "0"]
    assert small.split()[:6] == ["memory", "KiB", "each", "4.12", "2", "2.062"]
