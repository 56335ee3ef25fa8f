"""Workload C: 2,000 tasks with a watcher each, 5 events a second each, fed by the broker.

Headway's events are stored in JetStream (file) before they are shown; nchan's come by HTTP, pipelined on one
connection. Every event is one message in and one write out: ingest and delivery weigh the same.
"""

from __future__ import annotations

from bench.fanout import COLUMNS, UNIT
from bench.lab import Lab, Plan
from bench.peers import HUBS, Headway
from bench.report import Section, at_least, ratio_of
from bench.window import Stand, alternate, row

TASKS = 2000
C = "C: 5/s each"


def measure(plan: Plan) -> Section:
    """Many tasks, few watchers."""
    section = Section("many_tasks", f"Many tasks: {TASKS:,} tasks × 1 watcher, through the broker", COLUMNS)
    with Lab(plan) as lab:
        peers = lab.start([Headway(), *[kind() for kind in HUBS]])
        stands = [Stand(lab, peer, tasks=TASKS, watchers=TASKS) for peer in peers]
        taken = alternate(stands, plan.rounds, rate=5, seconds=plan.pick(4.0, 2.0))
    rows = [row(C, stand.peer, windows) for stand, windows in zip(stands, taken, strict=True)]
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
