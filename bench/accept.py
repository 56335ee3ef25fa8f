"""How many new streams a second one core takes.

Streams are opened with at most 100 of them waiting for their answer; one is open when its header has come. Once all
watch a few tasks that are watched already, once every stream is the first of its task, so that a tail must be opened:
NATS is subscribed to and asked for the last event. Between rounds all are cut.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from bench.lab import Lab, Plan
from bench.peers import HUBS, LIBRARIES, Headway, Peer
from bench.report import Goal, Section

AT_ONCE = 100
FEW = 100
REST_SECONDS = 1.0
LEAST_PER_SECOND = 1000
COLUMNS = {
    "workload": "workload",
    "peer": "peer",
    "streams_per_second": "streams/s",
    "streams_per_cpu_second": "streams per CPU-s",
    "ratio": "headway ÷ peer",
}


def measure(plan: Plan) -> Section:
    """Opening streams."""
    streams = plan.pick(2000, 1000)
    section = Section("accept", f"New streams: {streams:,}, {AT_ONCE} at once", COLUMNS)
    kinds: list[type[Peer]] = [Headway, *HUBS, *plan.pick(LIBRARIES, [])]
    for name, tasks in ((f"{FEW} tasks", FEW), ("a task each", streams)):
        with Lab(plan) as lab:
            section.rows += _rates(lab, name, [kind() for kind in kinds], tasks, streams)
    section.goals = [_goal(found) for found in section.rows if found["peer"] == "headway"]
    return section


def _rates(lab: Lab, name: str, wanted: list[Peer], tasks: int, streams: int) -> list[dict[str, Any]]:
    peers = lab.start(wanted)
    names = [lab.tasks(tasks) for _ in peers]
    for peer, own in zip(peers, names, strict=True):
        lab.publisher(peer).seed(own)
        _round(lab, peer, own, min(streams, 200))
    rounds = [[_round(lab, *pair, streams) for pair in zip(peers, names, strict=True)] for _ in range(lab.plan.rounds)]
    rows = [_row(name, peer, [found[place] for found in rounds]) for place, peer in enumerate(peers)]
    own_figure = rows[0]["streams_per_cpu_second"]
    return [found | {"ratio": round(own_figure / found["streams_per_cpu_second"], 2)} for found in rows]


def _round(lab: Lab, peer: Peer, tasks: list[str], streams: int) -> tuple[float, float]:
    watchers = lab.watchers(sample=0)
    requests = [peer.request(tasks[place % len(tasks)]) for place in range(streams)]
    cpu = peer.cpu_seconds()
    seconds = watchers.open(peer.address, requests, at_once=AT_ONCE)
    used = peer.cpu_seconds() - cpu
    watchers.close()
    time.sleep(REST_SECONDS)  # the server finds out that they are gone
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
