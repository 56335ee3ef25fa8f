"""1,000 watchers are cut at once and come back at once, each with its cursor (Last-Event-ID).

While they were on their way events were stored that they had not read. The clock runs from the cut until the last of
them has all it missed; the server finds the dead connections meanwhile. Every watcher's numbering must go on exactly
where it stopped: no gap, no double.
"""

from __future__ import annotations

import time
from typing import Any

from bench.lab import Lab, Plan
from bench.peers import HUBS, Headway, Peer
from bench.report import Goal, Section
from bench.window import Stand

WATCHERS = 1000
TASKS = 100
EVENTS = 5
MAX_SECONDS = 3.0
COLUMNS = {
    "peer": "peer",
    "seconds": "all resumed, s",
    "worst_seconds": "worst round, s",
    "cpu_seconds": "CPU-s",
    "missing": "missing",
    "holes": "holes",
}


def measure(plan: Plan) -> Section:
    """A resume storm."""
    title = f"Resume: {WATCHERS:,} watchers of {TASKS} tasks cut at once, {EVENTS} events missed by each"
    section = Section("resume", title, COLUMNS)
    with Lab(plan) as lab:
        peers = lab.start([Headway(), *[kind() for kind in HUBS if kind.resumes]])
        section.rows = [_row(lab, peer) for peer in peers]
    own = section.rows[0]
    met = own["worst_seconds"] <= MAX_SECONDS and not own["missing"] and not own["holes"]
    section.goals = [
        Goal("resume storm", f"{WATCHERS:,} at once", own["worst_seconds"], "s", f"≤ {MAX_SECONDS:g} s", met)
    ]
    return section


def _row(lab: Lab, peer: Peer) -> dict[str, Any]:
    storms = [_storm(lab, peer) for _ in range(lab.plan.rounds)]
    storms.sort(key=lambda storm: storm["seconds"])
    return storms[len(storms) // 2] | {
        "peer": peer.label,
        "worst_seconds": storms[-1]["seconds"],
        "missing": sum(storm["missing"] for storm in storms),
        "holes": sum(storm["holes"] for storm in storms),
    }


def _storm(lab: Lab, peer: Peer) -> dict[str, Any]:
    stand = Stand(lab, peer, tasks=TASKS, watchers=WATCHERS, sample=1)
    stand.window(rate=20, seconds=EVENTS / 20)
    before = list(stand.watchers.recordings.values())
    requests = [peer.request(stand.tasks[kept.number % TASKS], kept.last_id()) for kept in before]
    # Stored and sent, but never read by those who are cut.
    stand.publisher.begin(stand.tasks, rate=20, count=EVENTS)
    stand.publisher.end()
    cpu, begin = peer.cpu_seconds(), time.monotonic()
    stand.watchers.close()
    back = lab.watchers(sample=1)
    back.open(peer.address, requests, at_once=WATCHERS)
    back.run(WATCHERS * EVENTS, 30.0)
    seconds, used = time.monotonic() - begin, peer.cpu_seconds() - cpu
    back.settle(0.3)  # a doubled event would come now
    resumed = zip(before, back.recordings.values(), strict=True)
    storm = {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(used, 3),
        "missing": back.missing(EVENTS),
        "holes": sum((old.numbers()[-1:] + new.numbers()) != _expected(old.numbers()) for old, new in resumed),
    }
    back.close()
    return storm


def _expected(numbers: list[int]) -> list[int]:
    last = numbers[-1]
    return list(range(last, last + EVENTS + 1))
