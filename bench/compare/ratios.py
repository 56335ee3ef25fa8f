"""Paired measurements and their ratios."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.harness.results import table

ENOUGH_PAIRS = 7
BASE, NEW = "base", "new"
COLUMNS = {
    "label": "question",
    "unit": "unit",
    "base": "base",
    "new": "new",
    "ratio": "ratio",
    "range": "range",
    "pairs": "pairs",
    "missing": "missing",
}


@dataclass(frozen=True)
class Metric:
    """What a figure is."""

    label: str
    unit: str
    higher_is_better: bool = True


@dataclass(frozen=True)
class Sample:
    """The figures of one pair.

    Args:
        missing: number of events that were lost, duplicated or out of order, on both sides.
    """

    metric: Metric
    base: float
    new: float
    missing: int = 0

    @property
    def ratio(self) -> float:
        """New by base, or base by new where less is better: above 1 is better. NaN if a figure is not positive."""
        if self.base <= 0 or self.new <= 0:
            return float("nan")
        return self.new / self.base if self.metric.higher_is_better else self.base / self.new


def sides_in_order(pair: int) -> tuple[str, str]:
    """The sides in the order of measuring; the pairs, counted from 0, alternate."""
    return (BASE, NEW) if pair % 2 == 0 else (NEW, BASE)


def mirrored(sides: Sequence[str]) -> list[str]:
    """The order of the windows of a pair: a b b a, in which a steady drift favours neither."""
    return [*sides, *reversed(sides)]


@dataclass
class Comparison:
    """The samples of one metric."""

    metric: Metric
    samples: list[Sample] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """The ratios of the pairs that have one."""
        return [ratio for sample in self.samples if (ratio := sample.ratio) == ratio]

    def row(self) -> dict[str, Any]:
        """The row of the table."""
        ratios = self.ratios
        return {
            "label": self.metric.label,
            "unit": self.metric.unit,
            "base": _figure([sample.base for sample in self.samples]),
            "new": _figure([sample.new for sample in self.samples]),
            "ratio": f"{statistics.median(ratios):.3f}" if ratios else "–",
            "range": f"{min(ratios):.3f} to {max(ratios):.3f}" if ratios else "–",
            "pairs": len(self.samples),
            "missing": sum(sample.missing for sample in self.samples),
        }

    def record(self) -> dict[str, Any]:
        """The values for the JSON file."""
        ratios = self.ratios
        return {
            "unit": self.metric.unit,
            "better": "higher" if self.metric.higher_is_better else "lower",
            "median": statistics.median(ratios) if ratios else None,
            "lowest": min(ratios, default=None),
            "highest": max(ratios, default=None),
            "ratios": ratios,
            "base": [sample.base for sample in self.samples],
            "new": [sample.new for sample in self.samples],
            "missing": sum(sample.missing for sample in self.samples),
        }


def collect(samples: Sequence[Sample]) -> list[Comparison]:
    """Group samples by metric, in the order of appearance."""
    found: dict[Metric, Comparison] = {}
    for sample in samples:
        found.setdefault(sample.metric, Comparison(sample.metric)).samples.append(sample)
    return list(found.values())


def report(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as a text table."""
    lines = [
        "Ratio: new by base; above 1 is better, also where lower figures are better",
        *table(COLUMNS, [c.row() for c in comparisons]),
    ]
    return "\n".join(lines)


def _figure(values: Sequence[float]) -> float:
    value = statistics.median(values)
    return round(value) if value >= 1000 else round(value, 3)
