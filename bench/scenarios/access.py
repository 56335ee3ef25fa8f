"""Access control: the mode `jwt` beside `none`, in the workloads A to D and for new streams.

With `jwt` each watcher sends an access token, signed with HS256, and each new stream has a stream token of its own in
its query, as that of an EventSource: signed before, verified by the streamer. The events name their owner in a header.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from bench.harness.results import Goal, Section, ratio_of
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import Setup, alternate, row
from bench.peers import Headway, SecuredHeadway
from bench.scenarios import idle, new_streams

OPEN, SECURED = "none", "jwt"
LEAST_RATIO = 0.97
LEAST_OF_STREAMS = 0.8
COLUMNS = {
    "workload": "workload",
    "peer": "access",
    "value": "figure",
    "unit": "unit",
    "ratio": "jwt ÷ none",
    "missing": "missing",
    "holes": "holes",
}


def measure(mode: Mode) -> Section:
    """Measure what access control costs."""
    section = Section("access", "Access control: jwt beside none", COLUMNS)
    with Testbed(mode) as testbed:
        setups = [Setup(testbed, peer, tasks=1, watchers=1000) for peer in testbed.start(_peers())]
        _throughput(section, "A: 1 × 1,000 × 20/s", setups, mode, rate=20, seconds=mode.pick(4.0, 1.5))
        _throughput(section, "B: 1 × 1,000 × 200/s", setups, mode, rate=200, seconds=1.0)
    with Testbed(mode) as testbed:
        setups = [Setup(testbed, peer, tasks=2000, watchers=2000) for peer in testbed.start(_peers())]
        _throughput(section, "C: 2,000 × 1 × 5/s", setups, mode, rate=5, seconds=mode.pick(4.0, 2.0))
    _idle(section, mode)
    for workload in new_streams.workloads(mode.pick(2000, 1000)):
        _new_streams(section, workload, mode)
    section.goals = [_goal(found) for found in section.rows if found["peer"] == SECURED]
    return section


def _peers(*, stream_tokens: bool = False, **settings: object) -> list[Headway]:
    return [Headway(OPEN, **settings), SecuredHeadway(SECURED, stream_tokens=stream_tokens, **settings)]


def _throughput(
    section: Section, name: str, setups: Sequence[Setup], mode: Mode, *, rate: float, seconds: float
) -> None:
    taken = alternate(setups, mode.rounds, rate=rate, seconds=seconds)
    rows = [row(name, setup.peer, windows) for setup, windows in zip(setups, taken, strict=True)]
    for found in rows:
        found |= {"value": found["events_per_cpu_second"], "unit": "events/CPU-s"}
    _add(section, rows)


def _idle(section: Section, mode: Mode) -> None:
    """Memory has no windows: each round starts both servers again, and its median counts."""
    number, rounds = mode.pick(10_000, 2_000), mode.pick(3, 1)
    found: dict[str, list[float]] = {OPEN: [], SECURED: []}
    for _ in range(rounds):
        for peer in _peers():
            with Testbed(mode) as testbed:
                (started,) = testbed.start([peer])
                found[peer.label].append(idle.connection_memory(testbed, started, number)["kib_per_connection"])
    rows = [
        {
            "workload": f"D: {number:,} idle",
            "peer": label,
            "value": statistics.median(sizes),
            "unit": "KiB each",
            "windows": [1 / size for size in sizes],
        }
        for label, sizes in found.items()
    ]
    _add(section, rows)


def _new_streams(section: Section, workload: new_streams.Workload, mode: Mode) -> None:
    streams = mode.pick(2000, 1000)
    with Testbed(mode) as testbed:
        peers = testbed.start(_peers(stream_tokens=True, **workload.settings))
        pairs = [(peer, new_streams.seeded(testbed, peer, workload.tasks)) for peer in peers]
        for pair in pairs:
            new_streams.open_round(testbed, *pair, new_streams.WARM)
        rounds = [
            [new_streams.open_round(testbed, *pair, streams)[1] for pair in pairs] for _ in range(testbed.mode.rounds)
        ]
    rows = []
    for place, peer in enumerate(peers):
        rates = [round(found[place]) for found in rounds]
        rows.append(
            {
                "workload": f"new streams, {workload.name}",
                "peer": peer.label,
                "value": round(statistics.median(rates)),
                "unit": "streams/CPU-s",
                "windows": rates,
            }
        )
    _add(section, rows)


def _add(section: Section, rows: list[dict[str, Any]]) -> None:
    without, secured = rows
    secured["ratio"] = round(ratio_of(secured, without, "value"), 3)
    section.rows += rows


def _goal(found: dict[str, Any]) -> Goal:
    least = LEAST_OF_STREAMS if found["workload"].startswith("new streams") else LEAST_RATIO
    whole = not found.get("missing") and not found.get("holes")
    met = found["ratio"] >= least and whole
    return Goal("access", found["workload"], found["value"], found["unit"], f"≥ {least:g} ×", met, OPEN, found["ratio"])
