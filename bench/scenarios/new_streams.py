"""New streams a second on one core.

At most 100 streams wait for their response at a time; a stream is open when its header has arrived. In one workload
all watch a few tasks that are watched already, in the other each is the first of its task, so that a tail must be
opened: a subscription, and a request for the last event. Between rounds all are reset.
"""

from __future__ import annotations

import statistics
import time
from typing import Any, NamedTuple

from bench.harness.results import Goal, Section
from bench.harness.testbed import Mode, Testbed
from bench.peers import HUBS, LIBRARIES, Headway, Peer

AT_ONCE = 100
FEW = 100
WARM = 200
"""Streams of the round that is not measured."""
REST_SECONDS = 1.0
LEAST_PER_SECOND = 1000
COLUMNS = {
    "workload": "workload",
    "peer": "peer",
    "streams_per_second": "streams/s",
    "streams_per_cpu_second": "streams per CPU-s",
    "ratio": "headway ÷ peer",
}


class Workload(NamedTuple):
    """How the streams of a round spread over tasks."""

    name: str
    tasks: int
    settings: dict[str, object]
    """Settings of the streamer."""


def workloads(streams: int) -> list[Workload]:
    """The workloads of so many streams. Without the short linger a round would find the tails of the one before."""
    return [
        Workload(f"{FEW} tasks", FEW, {}),
        Workload("a task each", streams, {"linger_seconds": REST_SECONDS / 10}),
    ]


def measure(mode: Mode) -> Section:
    """Measure the opening of streams."""
    streams = mode.pick(2000, 1000)
    section = Section("new_streams", f"New streams: {streams:,}, {AT_ONCE} at once", COLUMNS)
    kinds: list[type[Peer]] = [*HUBS, *mode.pick(LIBRARIES, [])]
    for workload in workloads(streams):
        with Testbed(mode) as testbed:
            peers = [Headway(**workload.settings), *[kind() for kind in kinds]]
            section.rows += _rates(testbed, workload, peers, streams)
    section.goals = [_goal(found) for found in section.rows if found["peer"] == "headway"]
    return section


def _rates(testbed: Testbed, workload: Workload, wanted: list[Peer], streams: int) -> list[dict[str, Any]]:
    peers = testbed.start(wanted)
    names = [seeded(testbed, peer, workload.tasks) for peer in peers]
    pairs = list(zip(peers, names, strict=True))
    for peer, own in pairs:
        open_round(testbed, peer, own, WARM)
    rounds = [[open_round(testbed, *pair, streams) for pair in pairs] for _ in range(testbed.mode.rounds)]
    rows = [_row(workload.name, peer, [found[place] for found in rounds]) for place, peer in enumerate(peers)]
    own_figure = rows[0]["streams_per_cpu_second"]
    return [found | {"ratio": round(own_figure / found["streams_per_cpu_second"], 2)} for found in rows]


def seeded(testbed: Testbed, peer: Peer, number: int) -> list[str]:
    """Create `number` tasks with a first event each."""
    tasks = testbed.tasks(number)
    testbed.publisher(peer).seed(tasks)
    return tasks


def open_round(testbed: Testbed, peer: Peer, tasks: list[str], streams: int) -> tuple[float, float]:
    """Open `streams` streams of the tasks in turn, and reset them. Returns streams per second and per CPU-second."""
    watchers = testbed.watchers(sample=0)
    requests = [peer.request(tasks[place % len(tasks)]) for place in range(streams)]
    cpu = peer.cpu_seconds()
    seconds = watchers.open(peer.address, requests, at_once=AT_ONCE)
    used = peer.cpu_seconds() - cpu
    watchers.close()
    time.sleep(REST_SECONDS)  # until the server has noticed the resets
    return streams / seconds, streams / used


def _row(name: str, peer: Peer, rounds: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "workload": name,
        "peer": peer.label,
        "streams_per_second": round(statistics.median(found[0] for found in rounds)),
        "streams_per_cpu_second": round(statistics.median(found[1] for found in rounds)),
    }


def _goal(found: dict[str, Any]) -> Goal:
    rate = found["streams_per_second"]
    return Goal(
        "new streams", found["workload"], rate, "streams/s", f"≥ {LEAST_PER_SECOND:,}", rate >= LEAST_PER_SECOND
    )
