"""1,000 watchers are reset at once and reconnect at once, each with its cursor (Last-Event-ID).

Events that they have not read were stored meanwhile. The time runs from the reset until the last of them has all
missed events, while the server detects the dead connections. Each watcher's numbering must continue exactly where it
stopped: no gap, no duplicate.
"""

from __future__ import annotations

import time
from typing import Any

from bench.harness.results import Goal, Section
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import Setup
from bench.peers import HUBS, Headway, Peer

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


def measure(mode: Mode) -> Section:
    """Measure the resume of all watchers at once."""
    title = f"Resume: {WATCHERS:,} watchers of {TASKS} tasks reset at once, {EVENTS} events missed by each"
    section = Section("resume", title, COLUMNS)
    with Testbed(mode) as testbed:
        peers = testbed.start([Headway(), *[kind() for kind in HUBS if kind.resumes]])
        section.rows = [_row(testbed, peer) for peer in peers]
    own = section.rows[0]
    met = own["worst_seconds"] <= MAX_SECONDS and not own["missing"] and not own["holes"]
    section.goals = [
        Goal("resume storm", f"{WATCHERS:,} at once", own["worst_seconds"], "s", f"≤ {MAX_SECONDS:g} s", met)
    ]
    return section


def _row(testbed: Testbed, peer: Peer) -> dict[str, Any]:
    storms = [storm(testbed, peer) for _ in range(testbed.mode.rounds)]
    storms.sort(key=lambda storm: storm["seconds"])
    return storms[len(storms) // 2] | {
        "peer": peer.label,
        "worst_seconds": storms[-1]["seconds"],
        "missing": sum(storm["missing"] for storm in storms),
        "holes": sum(storm["holes"] for storm in storms),
    }


def storm(testbed: Testbed, peer: Peer) -> dict[str, Any]:
    """Reset and resume all watchers once. Returns seconds, CPU seconds, and what was missing."""
    setup = Setup(testbed, peer, tasks=TASKS, watchers=WATCHERS, sample=1)
    setup.window(rate=20, seconds=EVENTS / 20)
    before = list(setup.watchers.recordings.values())
    requests = [peer.request(setup.tasks[kept.number % TASKS], kept.last_id()) for kept in before]
    # Stored and sent, but not read before the reset.
    setup.publisher.begin(setup.tasks, rate=20, count=EVENTS)
    setup.publisher.end()
    cpu, begin = peer.cpu_seconds(), time.monotonic()
    setup.watchers.close()
    back = testbed.watchers(sample=1)
    back.open(peer.address, requests, at_once=WATCHERS)
    back.run(WATCHERS * EVENTS, 30.0)
    seconds, used = time.monotonic() - begin, peer.cpu_seconds() - cpu
    back.settle(0.3)  # a duplicate would arrive now
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
