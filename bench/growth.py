"""How the cost of an event grows with watchers and with tasks.

Two lines: one task with 10 to 5,000 watchers, and 10 to 10,000 tasks with a watcher each. The total rate is about the
same along a line, so that only the number changes. Flat, or rising, is good: an event must not cost more because
there are more of something.
"""

from __future__ import annotations

from typing import Any

from bench.lab import Lab, Plan
from bench.peers import HUBS, Headway, Peer
from bench.report import Goal, Section
from bench.window import Stand, alternate, row

WATCHERS, TASKS = "watchers of one task", "tasks with one watcher"
DELIVERED_PER_SECOND = 20_000
INGESTED_PER_SECOND = 5_000
MAX_RATE = 200.0
LEAST_SHARE = 0.7
"""Of the best figure before it on the line: what the last point must still reach. Caches take their part; see nchan."""
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


def measure(plan: Plan) -> Section:
    """Cost by number of watchers and of tasks."""
    section = Section("growth", "Cost growth: events per CPU-second", COLUMNS)
    kinds: list[type[Peer]] = plan.pick([Headway, *HUBS], [Headway])
    for number in plan.pick([10, 100, 1_000, 5_000], [10, 1_000]):
        section.rows += _point(plan, kinds, WATCHERS, number, tasks=1, rate=DELIVERED_PER_SECOND / number)
    for number in plan.pick([10, 100, 1_000, 10_000], [10, 1_000]):
        section.rows += _point(plan, kinds, TASKS, number, tasks=number, rate=INGESTED_PER_SECOND / number)
    section.goals = [_goal(section, line) for line in (WATCHERS, TASKS)]
    return section


def _point(
    plan: Plan, kinds: list[type[Peer]], line: str, number: int, *, tasks: int, rate: float
) -> list[dict[str, Any]]:
    """One peer after the other: both with 10,000 connections would be more than one client may open."""
    rate = min(rate, MAX_RATE)
    rows = []
    for kind in kinds:
        with Lab(plan) as lab:
            for peer in lab.start([kind()]):
                stand = Stand(lab, peer, tasks=tasks, watchers=number)
                [windows] = alternate(
                    [stand], min(plan.rounds, 3), rate=rate, seconds=max(plan.pick(3.0, 1.0), 1 / rate)
                )
                rows.append(row(line, peer, windows) | {"number": number})
    return rows


def _goal(section: Section, line: str) -> Goal:
    rows = [found for found in section.rows if found["workload"] == line and found["peer"] == "headway"]
    figures = [found["events_per_cpu_second"] for found in rows]
    share = round(figures[-1] / max(figures[:-1]), 2)
    met = share >= LEAST_SHARE and not any(found["missing"] or found["holes"] for found in rows)
    return Goal("cost growth", f"{rows[-1]['number']:,} {line}", share, "of the best", f"≥ {LEAST_SHARE}", met)
