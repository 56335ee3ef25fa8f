"""How long an event takes from publishing to the watcher, in workload A (1 task × 1,000 watchers × 20/s).

The publisher writes its clock into the payload; every tenth watcher compares it with its own when the bytes arrive.
So the way through the broker, its file included, is part of Headway's figure; and with 1,000 watchers the last one
waits for the 999 before it: p50 and p99 are mostly about how fast one event goes out to all.
"""

from __future__ import annotations

from typing import Any

from bench.lab import Lab, Plan
from bench.peers import HUBS, LIBRARIES, Headway, Peer
from bench.report import Section, at_most
from bench.window import Stand, Window, alternate, typical

WATCHERS = 1000
COLUMNS = {
    "peer": "peer",
    "p50_ms": "p50 ms",
    "p90_ms": "p90 ms",
    "p99_ms": "p99 ms",
    "max_ms": "max ms",
    "samples": "samples",
    "missing": "missing",
}


def measure(plan: Plan) -> Section:
    """Delays in workload A."""
    section = Section("latency", f"Latency, publish to client: 1 task × {WATCHERS:,} watchers × 20/s", COLUMNS)
    with Lab(plan) as lab:
        peers = lab.start([Headway(), *[kind() for kind in HUBS + plan.pick(LIBRARIES, [])]])
        stands = [Stand(lab, peer, tasks=1, watchers=WATCHERS, sample=10) for peer in peers]
        taken = alternate(stands, plan.rounds, rate=20, seconds=plan.pick(3.0, 2.0))
    section.rows = [_row(stand.peer, windows) for stand, windows in zip(stands, taken, strict=True)]
    own, nchan = section.rows[0], section.find(peer="nchan")
    section.goals = [
        at_most(f"latency A, {name}", "1 × 1,000 × 20/s", own, nchan, f"{name}_ms", "ms", times=1)
        for name in ("p50", "p99")
    ]
    return section


def _row(peer: Peer, windows: list[Window]) -> dict[str, Any]:
    return {
        "peer": peer.label,
        "p50_ms": typical(windows, 0.5),
        "p90_ms": typical(windows, 0.9),
        "p99_ms": typical(windows, 0.99),
        "max_ms": round(max(max(window.delays_ms) for window in windows), 2),
        "samples": sum(len(window.delays_ms) for window in windows),
        "missing": sum(window.missing for window in windows),
        "holes": sum(window.holes for window in windows),
    }
