"""Two and three streamers on one NATS: what they deliver must add up.

Each has 500 watchers of the same task, at once. Where there are cores for all, each has its own; else they share one,
and what each would deliver on a core of its own is its events by its own CPU time. The sum is compared with so many
times one streamer alone. `workers` is one streamer with so many processes behind one port, where the setting exists.
"""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple

from bench import machine
from bench.client import Watchers
from bench.lab import Lab, Plan
from bench.peers import Headway, Peer
from bench.publisher import Publisher
from bench.report import Goal, Section
from bench.window import SETTLE_SECONDS

WATCHERS = 500
RATE = 40.0
LEAST_SHARE = 0.9
COLUMNS = {
    "workload": "what",
    "processes": "processes",
    "sum_per_cpu_second": "events per CPU-s, summed",
    "each": "each",
    "share": "share of n × one",
    "missing": "missing",
    "holes": "holes",
}


class _Window(NamedTuple):
    figures: list[float]
    """Events per CPU-second, by process."""
    missing: int
    holes: int


def measure(plan: Plan) -> Section:
    """Throughput by number of processes."""
    section = Section(
        "processes", f"Processes: each with {WATCHERS} watchers of one task, {RATE:.0f} events/s", COLUMNS
    )
    for number in (1, 2, 3):
        cores = machine.cores_for(number)
        with Lab(plan) as lab:
            peers: list[Peer] = lab.start(Headway(f"headway {place}", core) for place, core in enumerate(cores))
            section.rows.append(_row("streamers", number, _windows(lab, peers, WATCHERS)))
    with Lab(plan) as lab:
        cores = [set.union(*machine.cores_for(2))]
        for peer in lab.start([Headway("headway, workers=2", cores[0], workers=2)]):
            section.rows.append(_row("workers", 2, _windows(lab, [peer], 2 * WATCHERS)))
    one = section.rows[0]["sum_per_cpu_second"]
    for found in section.rows:
        whole = found["processes"] if found["workload"] == "streamers" else 1
        found["share"] = round(found["sum_per_cpu_second"] / (whole * one), 2)
    section.goals = [_goal(found) for found in section.rows[1:]]
    return section


def _windows(lab: Lab, peers: list[Peer], watchers: int) -> list[_Window]:
    tasks = lab.tasks(1)
    publisher = lab.publisher(peers[0])
    publisher.seed(tasks)
    group = lab.watchers()
    for peer in peers:
        group.open(peer.address, [peer.request(tasks[0])] * watchers)
    group.settle(SETTLE_SECONDS)
    lengths = (1.0, *[lab.plan.pick(4.0, 1.5)] * lab.plan.rounds)
    return [_window(peers, group, publisher, tasks, round(seconds * RATE)) for seconds in lengths][1:]


def _window(peers: list[Peer], group: Watchers, publisher: Publisher, tasks: list[str], count: int) -> _Window:
    group.reset()
    before = [peer.cpu_seconds() for peer in peers]
    publisher.begin(tasks, rate=RATE, count=count)
    group.run(count * len(group), 60 + count / RATE)
    used = [peer.cpu_seconds() - cpu for peer, cpu in zip(peers, before, strict=True)]
    publisher.end()
    each = group.total / len(peers)
    return _Window([each / cpu for cpu in used], group.missing(count), group.holes())


def _row(name: str, number: int, windows: list[_Window]) -> dict[str, Any]:
    figures = [statistics.median(values) for values in zip(*(window.figures for window in windows), strict=True)]
    return {
        "workload": name,
        "processes": number,
        "sum_per_cpu_second": round(sum(figures)),
        "each": " + ".join(f"{figure:,.0f}" for figure in figures),
        "missing": sum(window.missing for window in windows),
        "holes": sum(window.holes for window in windows),
    }


def _goal(found: dict[str, Any]) -> Goal:
    met = found["share"] >= LEAST_SHARE and not found["missing"] and not found["holes"]
    return Goal(
        "processes add up",
        f"{found['processes']} {found['workload']}",
        found["share"],
        "of n × one",
        f"≥ {LEAST_SHARE}",
        met,
    )
