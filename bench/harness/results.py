"""The results of a run: text tables, JSON, and the goals."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"


@dataclass
class Goal:
    """A goal of `docs/performance.md`, with its value in this run."""

    name: str
    workload: str
    value: float
    unit: str
    goal: str
    met: bool | None
    """None: not measured, because the peer is not installed."""
    peer: str = ""
    ratio: float | None = None
    """Headway's value divided by the peer's, in this run."""


@dataclass
class Section:
    """The answer to one question."""

    name: str
    title: str
    columns: dict[str, str]
    """Keys of the columns to print, with their headings."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def find(self, **wanted: Any) -> dict[str, Any] | None:
        """The first row with these values."""
        return next((r for r in self.rows if all(r.get(k) == v for k, v in wanted.items())), None)

    def text(self) -> str:
        """The section as a text table."""
        lines = [self.title, *table(self.columns, self.rows), *(f"  {note}" for note in self.notes)]
        return "\n".join(lines)


def at_least(
    name: str,
    workload: str,
    row: dict[str, Any] | None,
    peer: dict[str, Any] | None,
    key: str,
    unit: str,
    *,
    times: float,
) -> Goal:
    """The goal that Headway's figure is at least `times` the peer's."""
    return _ratio_goal(name, workload, row, peer, key, unit, f"≥ {times:g} ×", lambda ratio: ratio >= times)


def at_most(
    name: str,
    workload: str,
    row: dict[str, Any] | None,
    peer: dict[str, Any] | None,
    key: str,
    unit: str,
    *,
    times: float,
) -> Goal:
    """The goal that Headway's figure is at most `times` the peer's."""
    return _ratio_goal(name, workload, row, peer, key, unit, f"≤ {times:g} ×", lambda ratio: ratio <= times)


def _ratio_goal(name: str, workload: str, row: Any, peer: Any, key: str, unit: str, goal: str, test: Any) -> Goal:
    value = row[key] if row else float("nan")
    if not row or not peer or not peer[key]:
        return Goal(name, workload, value, unit, goal, None, peer["peer"] if peer else "")
    ratio = ratio_of(row, peer, key)
    whole = not row.get("missing") and not row.get("holes")
    return Goal(name, workload, value, unit, goal, bool(test(ratio)) and whole, peer["peer"], round(ratio, 3))


def ratio_of(row: dict[str, Any], peer: dict[str, Any], key: str) -> float:
    """The median of the ratios of the rounds, whose windows are close in time, or the ratio of the figures."""
    own, other = row.get("windows"), peer.get("windows")
    if own and other and len(own) == len(other):
        return statistics.median(mine / theirs for mine, theirs in zip(own, other, strict=True))
    return float(row[key]) / float(peer[key])


def table(columns: dict[str, str], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Rows as aligned lines, numbers to the right."""
    cells = [[_cell(row.get(key)) for key in columns] for row in rows]
    heads = list(columns.values())
    widths = [max(len(line[i]) for line in [heads, *cells]) for i in range(len(heads))]
    numeric = [bool(rows) and all(isinstance(row.get(key), int | float | None) for row in rows) for key in columns]

    def line(values: Sequence[str]) -> str:
        padded = [v.rjust(w) if n else v.ljust(w) for v, w, n in zip(values, widths, numeric, strict=True)]
        return "  " + "  ".join(padded).rstrip()

    return [line(heads), "  " + "  ".join("─" * width for width in widths), *(line(values) for values in cells)]


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def goals_table(goals: Sequence[Goal]) -> str:
    """The goals as a text table."""
    columns = {
        "name": "goal", "workload": "workload", "value": "headway", "unit": "unit", "peer": "peer", "ratio": "ratio",
        "goal": "wanted", "met": "",
    }  # fmt: skip
    words = {True: "met", False: "NOT MET", None: "not measured"}
    rows = [vars(goal) | {"met": words[goal.met]} for goal in goals]
    return "\n".join(["Goals", *table(columns, rows)])


def write(sections: Sequence[Section], facts: dict[str, Any], path: Path) -> None:
    """Write figures and goals as JSON; NaN becomes null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        **facts,
        "goals": [vars(goal) for section in sections for goal in section.goals],
        "sections": {
            s.name: {"title": s.title, "columns": s.columns, "rows": s.rows, "notes": s.notes} for s in sections
        },
    }
    path.write_text(json.dumps(_plain(record), indent=1, ensure_ascii=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and value != value else value
