"""Scale-out: two and three streamers on one NATS must deliver the sum of what each delivers alone.

Each has 500 watchers of the same task. All run all the time, and windows with one, two and three active ones
alternate. Each has a core of its own where there are enough; else they share one, and the figure of each is its events
per second of its own CPU time. The sum of n is compared with n times the figure of one alone. `workers` is one streamer
with several processes behind one port.
"""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple

from bench.harness import machine
from bench.harness.results import Goal, Section
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import SETTLE_SECONDS, WARM_SECONDS
from bench.peers import Headway, Peer

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
    """Events per CPU-second, by peer."""
    missing: int
    holes: int


class _Group:
    """Some of the streamers, with watchers of a task of the group."""

    def __init__(self, testbed: Testbed, name: str, processes: int, peers: list[Peer], watchers: int) -> None:
        self.name = name
        self.processes = processes
        self.windows: list[_Window] = []
        self._peers = peers
        self._tasks = testbed.tasks(1)
        self._publisher = testbed.publisher(peers[0])
        self._publisher.seed(self._tasks)
        self._watchers = testbed.watchers()
        for peer in peers:
            self._watchers.open(peer.address, [peer.request(self._tasks[0])] * watchers)
        self._watchers.settle(SETTLE_SECONDS)

    def measure(self, seconds: float) -> None:
        """Measure a window, after a second of the same load."""
        self._window(WARM_SECONDS)
        self.windows.append(self._window(seconds))

    def _window(self, seconds: float) -> _Window:
        count, watchers = round(seconds * RATE), self._watchers
        watchers.reset()
        before = [peer.cpu_seconds() for peer in self._peers]
        self._publisher.begin(self._tasks, rate=RATE, count=count)
        watchers.run(count * len(watchers), 60 + seconds)
        used = [peer.cpu_seconds() - cpu for peer, cpu in zip(self._peers, before, strict=True)]
        self._publisher.end()
        each = watchers.total / len(self._peers)
        return _Window([each / cpu for cpu in used], watchers.missing(count), watchers.holes())


def measure(mode: Mode) -> Section:
    """Measure the throughput by number of processes."""
    section = Section(
        "scale_out", f"Processes: each with {WATCHERS} watchers of one task, {RATE:.0f} events/s", COLUMNS
    )
    with Testbed(mode) as testbed:
        cores = machine.cores_for(3)
        streamers: list[Peer] = testbed.start(Headway(f"headway {place}", core) for place, core in enumerate(cores))
        groups = [_Group(testbed, "streamers", n, streamers[:n], WATCHERS) for n in (1, 2, 3)]
        workers = testbed.start([Headway("headway, workers=2", cores[0] | cores[1], workers=2)])
        groups += [_Group(testbed, "workers", 2, [peer], 2 * WATCHERS) for peer in workers]
        for _ in range(mode.rounds):
            for group in groups:
                group.measure(mode.pick(4.0, 1.0))
    section.rows = [_row(group.name, group.processes, group.windows) for group in groups]
    one = section.rows[0]["sum_per_cpu_second"]
    for found in section.rows:
        whole = found["processes"] if found["workload"] == "streamers" else 1
        found["share"] = round(found["sum_per_cpu_second"] / (whole * one), 2)
    section.goals = [_goal(found) for found in section.rows[1:]]
    return section


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
