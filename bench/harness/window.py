"""One window: publish a number of events to watched tasks, and measure the cost of delivering them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.harness.publisher import Publisher
from bench.harness.testbed import Testbed
from bench.harness.watchers import Watchers
from bench.peers import Peer

SETTLE_SECONDS = 0.3
WARM_SECONDS = 1.0


class Window(NamedTuple):
    """The measurements of one window."""

    events: int
    """Delivered, over all watchers."""
    missing: int
    """Events that watchers did not get, or got more than once."""
    holes: int
    """Breaks in the numbering, as the recorded watchers saw them."""
    seconds: float
    cpu_seconds: float
    delays_ms: list[float]
    late_ms: float
    """Maximum delay of the publisher: if it is large, the client's side was the bottleneck."""

    @property
    def complete(self) -> bool:
        """Whether every watcher got every event, once and in order."""
        return not self.missing and not self.holes

    @property
    def events_per_cpu_second(self) -> float:
        """Delivered events per second of CPU time of the server."""
        return self.events / self.cpu_seconds if self.cpu_seconds else 0.0


class Setup:
    """A peer with a publisher, tasks, and watchers of these tasks."""

    def __init__(self, testbed: Testbed, peer: Peer, *, tasks: int, watchers: int, sample: int = 50) -> None:
        self.peer = peer
        self.tasks = testbed.tasks(tasks)
        self.publisher: Publisher = testbed.publisher(peer)
        self.watchers: Watchers = testbed.watchers(sample=sample)
        self.publisher.seed(self.tasks)
        self.open_seconds = self.watchers.open(
            peer.address,
            [peer.request(self.tasks[number % tasks]) for number in range(watchers)],
            prelude=peer.prelude,
        )
        self.watchers.settle(SETTLE_SECONDS)

    def window(self, *, rate: float, seconds: float, pad: int = 0, timeout: float = 60.0) -> Window:
        """Publish `rate` events a second to each task for `seconds`, at least one; wait until all are delivered."""
        count = max(1, round(rate * seconds))
        watchers = self.watchers
        watchers.reset()
        begin, cpu = time.monotonic(), self.peer.cpu_seconds()
        self.publisher.begin(self.tasks, rate=rate, count=count, pad=pad)
        watchers.run(count * len(watchers), seconds + timeout)
        used, took = self.peer.cpu_seconds() - cpu, time.monotonic() - begin
        done = self.publisher.end()
        watchers.settle(0.05)  # a duplicate would arrive now
        return Window(
            watchers.total,
            watchers.missing(count),
            watchers.holes(),
            took,
            used,
            watchers.delays_ms(),
            done["late_ms"],
        )


def alternate(setups: Sequence[Setup], rounds: int, **window: Any) -> list[list[Window]]:
    """Measure the setups in turn: A B C, A B C … Each window follows a second of the same load: the first events
    after another server's turn find cold caches, and cost more.
    """
    taken: list[list[Window]] = [[] for _ in setups]
    for _ in range(rounds):
        for windows, setup in zip(taken, setups, strict=True):
            setup.window(**window | {"seconds": min(WARM_SECONDS, window["seconds"])})
            windows.append(setup.window(**window))
    return taken


def row(workload: str, peer: Peer, windows: Sequence[Window]) -> dict[str, Any]:
    """The table row of a peer's windows."""
    return {
        "workload": workload,
        "peer": peer.label,
        "events_per_cpu_second": round(statistics.median(w.events_per_cpu_second for w in windows)),
        "events_per_second": round(statistics.median(w.events / w.seconds for w in windows)),
        "server_cpu_share": round(statistics.median(w.cpu_seconds / w.seconds for w in windows), 3),
        "events": sum(w.events for w in windows),
        "p50_ms": typical(windows, 0.5),
        "p99_ms": typical(windows, 0.99),
        "missing": sum(w.missing for w in windows),
        "holes": sum(w.holes for w in windows),
        "publisher_late_ms": round(max(w.late_ms for w in windows), 1),
        "windows": [round(w.events_per_cpu_second) for w in windows],
    }


def typical(windows: Sequence[Window], share: float) -> float:
    """Median over the windows of a quantile of the delay, in ms: robust against one hiccup of the machine."""
    return round(statistics.median(quantile(w.delays_ms, share) for w in windows), 2)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
