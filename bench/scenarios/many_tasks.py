"""Setup C: 2,000 tasks with a watcher each, 5 events a second each, fed by the broker.

Headway's events are stored in JetStream (file) before they are delivered; nchan's come by HTTP, pipelined on one
connection. Every event is one message in and one write out: ingest and delivery weigh the same.
"""

from __future__ import annotations

from bench.harness.results import Section, at_least, ratio_of
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import Setup, alternate, row
from bench.peers import HUBS, Headway
from bench.scenarios.fanout import COLUMNS, UNIT

TASKS = 2000
C = "C: 5/s each"


def measure(mode: Mode) -> Section:
    """Measure many tasks with one watcher each."""
    section = Section("many_tasks", f"Many tasks: {TASKS:,} tasks × 1 watcher, through the broker", COLUMNS)
    with Testbed(mode) as testbed:
        peers = testbed.start([Headway(), *[kind() for kind in HUBS]])
        setups = [Setup(testbed, peer, tasks=TASKS, watchers=TASKS) for peer in peers]
        taken = alternate(setups, mode.rounds, rate=5, seconds=mode.pick(4.0, 2.0))
    rows = [row(C, setup.peer, windows) for setup, windows in zip(setups, taken, strict=True)]
    section.rows = [r | {"ratio": round(ratio_of(rows[0], r, "events_per_cpu_second"), 2)} for r in rows]
    section.goals = [
        at_least(
            "many tasks C",
            "2,000 × 1 × 5/s",
            rows[0],
            section.find(peer="nchan"),
            "events_per_cpu_second",
            UNIT,
            times=1.25,
        )
    ]
    return section
