"""Latency from publishing to the watcher, in workload A (1 task × 1,000 watchers × 20/s).

The publisher writes its clock into the payload; every tenth watcher compares it with its own when the bytes arrive.
So the broker, with its write to the file, is part of Headway's figure. The last of 1,000 watchers waits for the 999
before it: p50 and p99 mostly show how fast one event is sent to all.
"""

from __future__ import annotations

from typing import Any

from bench.harness.results import Section, at_most
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import Setup, Window, alternate, typical
from bench.peers import HUBS, LIBRARIES, Headway, Peer

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


def measure(mode: Mode) -> Section:
    """Measure the latency in workload A."""
    section = Section("latency", f"Latency, publish to client: 1 task × {WATCHERS:,} watchers × 20/s", COLUMNS)
    with Testbed(mode) as testbed:
        peers = testbed.start([Headway(), *[kind() for kind in HUBS + mode.pick(LIBRARIES, [])]])
        setups = [Setup(testbed, peer, tasks=1, watchers=WATCHERS, sample=10) for peer in peers]
        taken = alternate(setups, mode.rounds, rate=20, seconds=mode.pick(3.0, 2.0))
    section.rows = [_row(setup.peer, windows) for setup, windows in zip(setups, taken, strict=True)]
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
