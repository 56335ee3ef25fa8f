"""Workload D: memory of an idle stream, and of a watched task.

10,000 watchers of 100 tasks: growth of the server's memory (PSS of all its processes) per connection, after a few
connections to warm up. Then, for Headway, 10,000 tasks with a watcher each, after some events on each: a tail per
task with its ring.
"""

from __future__ import annotations

from typing import Any

from bench.harness.results import Goal, Section, at_most
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import Setup
from bench.peers import HUBS, LIBRARIES, Headway, Peer

TASKS = 100
WARM = 100
REST_SECONDS = 2.0
TAIL_EVENTS = 20
MAX_TAILS_MIB = 400.0
KIB, MIB = 1024, 1024 * 1024
COLUMNS = {
    "workload": "workload",
    "peer": "peer",
    "connections": "connections",
    "kib_per_connection": "KiB each",
    "ratio": "headway ÷ peer",
    "rss_mib": "RSS MiB",
    "pss_mib": "PSS MiB",
    "closed": "closed",
}


def measure(mode: Mode) -> Section:
    """Measure the memory of connections and of tails."""
    watchers = mode.pick(10_000, 2_000)
    section = Section("idle", f"Idle: {watchers:,} connections to {TASKS} tasks", COLUMNS)
    kinds: list[type[Peer]] = [Headway, *HUBS, *mode.pick(LIBRARIES, [])]
    for kind in kinds:
        with Testbed(mode) as testbed:
            section.rows += [connection_memory(testbed, peer, watchers) for peer in testbed.start([kind()])]
    own = section.rows[0]
    for found in section.rows:
        found["ratio"] = round(own["kib_per_connection"] / found["kib_per_connection"], 2)
    tails = mode.pick(10_000, 1_000)
    with Testbed(mode) as testbed:
        section.rows += [_tails(testbed, peer, tails) for peer in testbed.start([Headway()])]
    section.goals = [
        at_most(
            "idle D",
            f"{watchers:,} connections",
            own,
            section.find(peer="nchan"),
            "kib_per_connection",
            "KiB",
            times=0.9,
        ),
        _tails_goal(section.rows[-1], tails),
    ]
    return section


def connection_memory(testbed: Testbed, peer: Peer, number: int) -> dict[str, Any]:
    """Measure the memory of `number` idle connections. Returns the table row."""
    setup = Setup(testbed, peer, tasks=TASKS, watchers=WARM, sample=0)
    before = peer.memory()
    requests = [peer.request(setup.tasks[place % TASKS]) for place in range(number)]
    setup.watchers.open(peer.address, requests)
    setup.watchers.settle(REST_SECONDS)
    after = peer.memory()
    return {
        "workload": "D: idle",
        "peer": peer.label,
        "connections": number,
        "kib_per_connection": round((after.pss - before.pss) / number / KIB, 2),
        "rss_mib": round(after.rss / MIB, 1),
        "pss_mib": round(after.pss / MIB, 1),
        "closed": setup.watchers.closed,
    }


def _tails(testbed: Testbed, peer: Peer, number: int) -> dict[str, Any]:
    setup = Setup(testbed, peer, tasks=number, watchers=number, sample=100)
    done = setup.window(rate=5000 / number, seconds=TAIL_EVENTS * number / 5000)
    setup.watchers.settle(REST_SECONDS)
    after = peer.memory()
    return {
        "workload": f"tails after {TAIL_EVENTS} events",
        "peer": peer.label,
        "connections": number,
        "rss_mib": round(after.rss / MIB, 1),
        "pss_mib": round(after.pss / MIB, 1),
        "closed": setup.watchers.closed,
        "missing": done.missing,
        "holes": done.holes,
    }


def _tails_goal(found: dict[str, Any], tails: int) -> Goal:
    met = found["rss_mib"] <= MAX_TAILS_MIB and not found["missing"] and not found["holes"]
    return Goal("memory of tails", f"{tails:,} watched tasks", found["rss_mib"], "MiB", f"≤ {MAX_TAILS_MIB:.0f}", met)
