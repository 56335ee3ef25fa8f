"""50 watchers that never read beside 200 that do, on one busy task.

First the buffers of the slow ones are filled with large events, until the kernel takes no more bytes. Then the
healthy ones connect and are measured, once beside the slow ones, once alone. The healthy must get every event, as fast
as alone, and the server must not buffer what the slow do not read.
"""

from __future__ import annotations

from typing import Any

from bench.harness.results import Goal, Section
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import SETTLE_SECONDS, Setup, Window, typical
from bench.peers import HUBS, Headway, Peer

SLOW, HEALTHY, FIRST = 50, 200, 20
RATE = 100.0
FILL_RATE, FILL_SECONDS, FILL_PAD_BYTES = 40.0, 2.0, 60_000
"""More bytes than the kernel keeps for one connection (net.ipv4.tcp_wmem: 4 MiB)."""
MAX_TIMES = 1.2
MAX_KIB_PER_SLOW = 1024.0
MIB = 1024 * 1024
COLUMNS = {
    "peer": "peer",
    "p50_alone_ms": "p50 ms alone",
    "p99_alone_ms": "p99 ms alone",
    "p50_ms": "p50 ms beside slow",
    "p99_ms": "p99 ms beside slow",
    "kib_per_slow": "KiB per slow one",
    "cpu_ratio": "CPU ÷ alone",
    "missing": "missing",
    "holes": "holes",
}


def measure(mode: Mode) -> Section:
    """Measure slow readers beside healthy ones."""
    title = f"Slow readers: {SLOW} that never read beside {HEALTHY} healthy, {RATE:.0f} events/s"
    section = Section("slow_readers", title, COLUMNS)
    with Testbed(mode) as testbed:
        for peer in testbed.start([Headway(), *[kind() for kind in mode.pick(HUBS, [])]]):
            section.rows.append(_row(testbed, peer, mode.pick(3.0, 1.0), mode.pick(5, 2)))
    section.goals = _goals(section.rows[0])
    return section


def _row(testbed: Testbed, peer: Peer, seconds: float, windows: int) -> dict[str, Any]:
    setup = Setup(testbed, peer, tasks=1, watchers=FIRST, sample=FIRST)
    fill: dict[str, Any] = {"rate": FILL_RATE, "seconds": FILL_SECONDS, "pad": FILL_PAD_BYTES}
    setup.window(**fill)  # what the server keeps of such events for any watcher
    slow = testbed.watchers(sample=0)
    before = peer.memory().pss
    slow.open(peer.address, [peer.request(setup.tasks[0])] * SLOW, receive_bytes=1)
    setup.window(**fill)
    filled = peer.memory().pss
    setup.watchers.open(peer.address, [peer.request(setup.tasks[0])] * (HEALTHY - FIRST))
    setup.watchers.settle(SETTLE_SECONDS)
    window: dict[str, Any] = {"rate": RATE, "seconds": seconds}
    setup.window(**window | {"seconds": 1.0})
    open_at = peer.memory().pss
    beside = [setup.window(**window) for _ in range(windows)]
    grown = filled - before + peer.memory().pss - open_at
    slow.close()
    setup.watchers.settle(1.0)
    alone = [setup.window(**window) for _ in range(windows)]
    return {"peer": peer.label, "kib_per_slow": round(grown / SLOW / 1024, 1), **_delays(alone, beside)}


def _delays(alone: list[Window], beside: list[Window]) -> dict[str, Any]:
    return {
        "p50_alone_ms": typical(alone, 0.5),
        "p99_alone_ms": typical(alone, 0.99),
        "p50_ms": typical(beside, 0.5),
        "p99_ms": typical(beside, 0.99),
        "cpu_ratio": round(sum(w.cpu_seconds for w in beside) / sum(w.cpu_seconds for w in alone), 2),
        "missing": sum(w.missing for w in alone + beside),
        "holes": sum(w.holes for w in alone + beside),
    }


def _goals(own: dict[str, Any]) -> list[Goal]:
    workload = f"{SLOW} slow + {HEALTHY} healthy"
    limit = round(own["p99_alone_ms"] * MAX_TIMES, 2)
    lost = own["missing"] + own["holes"]
    return [
        Goal("slow readers: healthy get all", workload, lost, "events missing", "= 0", lost == 0),
        Goal("slow readers: p99 of healthy", workload, own["p99_ms"], "ms", f"≤ {limit} ms", own["p99_ms"] <= limit),
        Goal(
            "slow readers: memory",
            workload,
            own["kib_per_slow"],
            "KiB each",
            f"≤ {MAX_KIB_PER_SLOW:.0f}",
            own["kib_per_slow"] <= MAX_KIB_PER_SLOW,
        ),
    ]
