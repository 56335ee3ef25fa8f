"""Cost of an event by number of watchers and of tasks.

Two lines: one task with 10 to 5,000 watchers, and 10 to 10,000 tasks with a watcher each. The total rate is about the
same along a line, so that only the number changes. A flat or rising line is good.
"""

from __future__ import annotations

from typing import Any

from bench.harness.results import Goal, Section
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import Setup, alternate, row
from bench.peers import HUBS, Headway, Peer

WATCHERS, TASKS = "watchers of one task", "tasks with one watcher"
DELIVERED_PER_SECOND = 20_000
INGESTED_PER_SECOND = 5_000
MAX_RATE = 200.0
LEAST_SHARE = 0.7
"""Share of the best figure on the line that the last point must reach. Caches take their part; see nchan."""
COLUMNS = {
    "workload": "line",
    "number": "number",
    "peer": "peer",
    "events_per_cpu_second": "events per CPU-s",
    "events_per_second": "events/s",
    "server_cpu_share": "CPU",
    "missing": "missing",
    "holes": "holes",
}


def measure(mode: Mode) -> Section:
    """Measure the cost by number of watchers and of tasks."""
    section = Section("growth", "Cost growth: events per CPU-second", COLUMNS)
    kinds: list[type[Peer]] = mode.pick([Headway, *HUBS], [Headway])
    for number in mode.pick([10, 100, 1_000, 5_000], [10, 1_000]):
        section.rows += _point(mode, kinds, WATCHERS, number, tasks=1, rate=DELIVERED_PER_SECOND / number)
    for number in mode.pick([10, 100, 1_000, 10_000], [10, 1_000]):
        section.rows += _point(mode, kinds, TASKS, number, tasks=number, rate=INGESTED_PER_SECOND / number)
    section.goals = [_goal(section, line) for line in (WATCHERS, TASKS)]
    return section


def _point(
    mode: Mode, kinds: list[type[Peer]], line: str, number: int, *, tasks: int, rate: float
) -> list[dict[str, Any]]:
    """Measure one point, one peer after the other: 10,000 connections to each would be too many for a client."""
    rate = min(rate, MAX_RATE)
    rows = []
    for kind in kinds:
        with Testbed(mode) as testbed:
            for peer in testbed.start([kind()]):
                setup = Setup(testbed, peer, tasks=tasks, watchers=number)
                [windows] = alternate(
                    [setup], min(mode.rounds, 3), rate=rate, seconds=max(mode.pick(3.0, 1.0), 1 / rate)
                )
                rows.append(row(line, peer, windows) | {"number": number})
    return rows


def _goal(section: Section, line: str) -> Goal:
    rows = [found for found in section.rows if found["workload"] == line and found["peer"] == "headway"]
    figures = [found["events_per_cpu_second"] for found in rows]
    share = round(figures[-1] / max(figures[:-1]), 2)
    met = share >= LEAST_SHARE and not any(found["missing"] or found["holes"] for found in rows)
    return Goal("cost growth", f"{rows[-1]['number']:,} {line}", share, "of the best", f"≥ {LEAST_SHARE}", met)
