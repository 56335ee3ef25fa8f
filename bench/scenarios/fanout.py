"""Workloads A and B: one task, 1,000 watchers.

A is an ordinary progress bar, 20 events a second. B is a hot task, 200 a second, each delivered to every watcher. The
same connections serve both. `headway, flush 20 ms` is the streamer with FLUSH_MS=20: events within 20 ms are sent in
one write; each is still delivered. `nchan, reused` has TCP_NODELAY: see `bench.peers.nchan`.
"""

from __future__ import annotations

from bench.harness.results import Section, at_least, ratio_of
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import Setup, alternate, row
from bench.peers import HUBS, LIBRARIES, Headway, Peer, ReusedNchan, SseStarlette

WATCHERS = 1000
HOT_ONLY = {"headway, flush 20 ms", "nchan, reused"}
UNIT = "events/CPU-s"
A, B = "A: 20/s", "B: 200/s"
COLUMNS = {
    "workload": "workload",
    "peer": "peer",
    "events_per_cpu_second": "events per CPU-s",
    "ratio": "headway ÷ peer",
    "events_per_second": "events/s",
    "server_cpu_share": "CPU",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "missing": "missing",
    "holes": "holes",
}


def measure(mode: Mode) -> Section:
    """Measure the fan-out of one task."""
    section = Section("fanout", f"Fan-out: 1 task × {WATCHERS:,} watchers", COLUMNS)
    libraries: list[type[Peer]] = mode.pick(LIBRARIES, [SseStarlette])
    hot: tuple[type[Peer], ...] = (Headway, *HUBS, *mode.pick(LIBRARIES, []))
    with Testbed(mode) as testbed:
        peers = testbed.start(
            [
                Headway(),
                Headway("headway, flush 20 ms", flush_ms=20),
                *[kind() for kind in HUBS],
                ReusedNchan(),
                *[kind() for kind in libraries],
            ]
        )
        setups = [Setup(testbed, peer, tasks=1, watchers=WATCHERS) for peer in peers]
        _workload(section, A, [s for s in setups if s.peer.label not in HOT_ONLY], mode, rate=20)
        _workload(section, B, [s for s in setups if isinstance(s.peer, hot)], mode, rate=200)
    _goals(section)
    return section


def _workload(section: Section, name: str, setups: list[Setup], mode: Mode, *, rate: float) -> None:
    seconds = mode.pick(4.0, 1.5) if rate < 100 else 1.0
    taken = alternate(setups, mode.rounds, rate=rate, seconds=seconds)
    rows = [row(name, setup.peer, windows) for setup, windows in zip(setups, taken, strict=True)]
    section.rows += [r | {"ratio": round(ratio_of(rows[0], r, "events_per_cpu_second"), 2)} for r in rows]


def _goals(section: Section) -> None:
    key = "events_per_cpu_second"
    own, nchan = section.find(workload=A, peer="headway"), section.find(workload=A, peer="nchan")
    starlette = section.find(workload=A, peer="sse-starlette")
    hot = section.find(workload=B, peer="headway, flush 20 ms") or section.find(workload=B, peer="headway")
    section.goals = [
        at_least("fan-out A", "1 × 1,000 × 20/s", own, nchan, key, UNIT, times=1.1),
        at_least("fan-out A", "1 × 1,000 × 20/s", own, starlette, key, UNIT, times=5),
        *[
            at_least("fan-out B", "1 × 1,000 × 200/s", hot, section.find(workload=B, peer=peer), key, UNIT, times=3)
            for peer in ("nchan", "nchan, reused")
        ],
    ]
