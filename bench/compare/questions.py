"""The questions that two commits are compared by. Each takes the sides of one pair, and returns its samples."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.compare.ratios import BASE, NEW, Metric, Sample, mirrored
from bench.harness.errors import StartError
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import WARM_SECONDS, Setup, Window, quantile
from bench.peers import Headway
from bench.scenarios import idle, new_streams, resume

PER_CPU_SECOND = "events/CPU-s"
LEAST_NS = 1.0
"""Calls that are hardly slower than an empty loop have no ratio."""
CALLS = Path(__file__).parents[1] / "micro" / "calls.py"


class Pair(NamedTuple):
    """Both sides: the folders of their products by name, in the order of measuring."""

    folders: Mapping[str, Sequence[Path]]
    mode: Mode

    @property
    def sides(self) -> list[str]:
        """The names in the order of measuring."""
        return list(self.folders)


Question = Callable[[Pair], list[Sample]]
_Windows = dict[str, list[Window]]


@contextmanager
def servers(pair: Pair, **settings: object) -> Iterator[dict[str, tuple[Testbed, Headway]]]:
    """Start a streamer with these settings, and a NATS server, for each side. Raises BenchError."""
    with ExitStack() as stack:
        started = {}
        for side, folders in pair.folders.items():
            testbed = stack.enter_context(Testbed(pair.mode))
            (peer,) = testbed.start([Headway(side, tree=folders, **settings)])
            started[side] = testbed, peer
        yield started


def _windows(pair: Pair, *, tasks: int, watchers: int, rate: float, seconds: float, sample: int = 50) -> _Windows:
    """Two windows of each side in mirrored order; a second of the same load precedes each change of side."""
    taken: dict[str, list[Window]] = {side: [] for side in pair.sides}
    with servers(pair) as started:
        setups = {
            side: Setup(testbed, peer, tasks=tasks, watchers=watchers, sample=sample)
            for side, (testbed, peer) in started.items()
        }
        before = ""
        for side in mirrored(pair.sides):
            if side != before:
                setups[side].window(rate=rate, seconds=WARM_SECONDS)
            taken[side].append(setups[side].window(rate=rate, seconds=seconds))
            before = side
    return taken


def throughput(label: str, *, tasks: int, watchers: int, rate: float, seconds: tuple[float, float]) -> Question:
    """The question of delivered events per CPU-second, in windows of so many seconds in full and in quick mode."""

    def measure(pair: Pair) -> list[Sample]:
        taken = _windows(pair, tasks=tasks, watchers=watchers, rate=rate, seconds=pair.mode.pick(*seconds))
        base, new = (_per_cpu_second(taken[side]) for side in (BASE, NEW))
        return [Sample(Metric(label, PER_CPU_SECOND), base, new, _missing(taken))]

    return measure


def latency(pair: Pair) -> list[Sample]:
    """Quantiles of the delay from publishing to the client, in workload A."""
    taken = _windows(pair, tasks=1, watchers=1000, rate=20, seconds=pair.mode.pick(4.0, 2.0), sample=10)
    samples = []
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        metric = Metric(f"latency A, {name}", "ms", higher_is_better=False)
        base, new = (statistics.fmean(quantile(w.delays_ms, share) for w in taken[side]) for side in (BASE, NEW))
        samples.append(Sample(metric, base, new, _missing(taken)))
    return samples


def idle_memory(pair: Pair) -> list[Sample]:
    """Memory per idle connection, of one side after the other."""
    number, found = pair.mode.pick(10_000, 5_000), {}
    for side in pair.sides:
        with servers(pair._replace(folders={side: pair.folders[side]})) as started:
            row = idle.connection_memory(*started[side], number)
            found[side] = row["kib_per_connection"]
    metric = Metric(f"D: {number:,} idle connections", "KiB each", higher_is_better=False)
    return [Sample(metric, found[BASE], found[NEW])]


def opened_streams(pair: Pair) -> list[Sample]:
    """New streams per CPU-second, for each workload of `bench.scenarios.new_streams`."""
    streams = pair.mode.pick(2000, 1000)
    return [_opened(pair, workload, streams) for workload in new_streams.workloads(streams)]


def _opened(pair: Pair, workload: new_streams.Workload, streams: int) -> Sample:
    cpu_seconds = dict.fromkeys(pair.sides, 0.0)
    with servers(pair, **workload.settings) as started:
        tasks = {side: new_streams.seeded(*place, workload.tasks) for side, place in started.items()}
        for side, place in started.items():
            new_streams.open_round(*place, tasks[side], new_streams.WARM)
        for side in mirrored(pair.sides):
            cpu_seconds[side] += streams / new_streams.open_round(*started[side], tasks[side], streams)[1]
    base, new = (2 * streams / cpu_seconds[side] for side in (BASE, NEW))
    return Sample(Metric(f"new streams, {workload.name}", "streams/CPU-s"), base, new)


def resumed_watchers(pair: Pair) -> list[Sample]:
    """CPU time to resume 1,000 watchers that were reset at once."""
    used, missing = dict.fromkeys(pair.sides, 0.0), 0
    with servers(pair) as started:
        for side in mirrored(pair.sides):
            storm = resume.storm(*started[side])
            used[side] += storm["cpu_seconds"]
            missing += storm["missing"] + storm["holes"]
    metric = Metric(f"resume of {resume.WATCHERS:,} watchers", "CPU-s", higher_is_better=False)
    return [Sample(metric, used[BASE] / 2, used[NEW] / 2, missing)]


def calls(pair: Pair) -> list[Sample]:
    """Nanoseconds of the calls that a handler makes, each side in processes of its own."""
    found: dict[str, list[dict[str, float]]] = {side: [] for side in pair.sides}
    for side in mirrored(pair.sides):
        found[side].append(_calls(pair.folders[side], rounds=pair.mode.pick(20, 8)))
    runs = [run for side in pair.sides for run in found[side]]
    names = [name for name in runs[0] if all(run.get(name, 0.0) > LEAST_NS for run in runs)]
    return [
        Sample(
            Metric(f"calls: {name.replace('`', '')}", "ns", higher_is_better=False),
            *(statistics.fmean(run[name] for run in found[side]) for side in (BASE, NEW)),
        )
        for name in names
    ]


def _calls(folders: Sequence[Path], rounds: int) -> dict[str, float]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    command = [sys.executable, str(CALLS), "--json", "--rounds", str(rounds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StartError(f"{CALLS.name} failed: {reason}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _per_cpu_second(windows: Sequence[Window]) -> float:
    cpu = sum(window.cpu_seconds for window in windows)
    return sum(window.events for window in windows) / cpu if cpu else 0.0


def _missing(taken: _Windows) -> int:
    return sum(window.missing + window.holes for windows in taken.values() for window in windows)


QUESTIONS: dict[str, Question] = {
    "A": throughput("A: 1 task × 1,000 watchers × 20/s", tasks=1, watchers=1000, rate=20, seconds=(4.0, 2.0)),
    "B": throughput("B: 1 task × 1,000 watchers × 200/s", tasks=1, watchers=1000, rate=200, seconds=(2.0, 1.0)),
    "C": throughput("C: 2,000 tasks × 1 watcher × 5/s", tasks=2000, watchers=2000, rate=5, seconds=(4.0, 2.0)),
    "D": idle_memory,
    "new_streams": opened_streams,
    "latency": latency,
    "resume": resumed_watchers,
    "calls": calls,
}
DEFAULT = ["A", "B", "C", "D", "new_streams"]
