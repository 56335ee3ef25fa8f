"""Jobs per second: a backlog of jobs that do nothing, drained by one worker process.

Each round submits all jobs of a queue before its worker is started. The figure is jobs per second, from the start of
the first job to that of the last; beside it jobs per CPU-second of the worker, user and system, which holds on a noisy
machine, and the CPU time of the broker. What a job costs depends on what is stored of it, which the table says.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from bench.harness.results import Goal, Section, at_least, ratio_of
from bench.harness.testbed import Mode, Testbed
from bench.queues import QUEUES, Queue
from bench.queues.queue import Drain

COLUMNS = {
    "peer": "queue",
    "jobs_per_second": "jobs/s",
    "ratio": "headway ÷ queue",
    "jobs_per_cpu_second": "jobs per CPU-s",
    "broker_us": "broker, µs/job",
    "stores": "stores of each job",
    "acknowledged": "a job is",
}
UNIT = "jobs/s"


def measure(mode: Mode) -> Section:
    """Drain a backlog of each queue that is installed, in turns."""
    jobs = mode.pick(3000, 1000)
    section = Section("jobs", f"Jobs: a backlog of {jobs:,} that do nothing, one worker process", COLUMNS)
    with Testbed(mode) as testbed:
        queues = [queue for queue in QUEUES if testbed.may_run(queue.name, queue.missing())]
        drains = _rounds(queues, testbed.directory, jobs, mode.rounds)
    section.rows = [row_of(queue, drains[queue.name], jobs) for queue in queues]
    own = section.rows[0]
    for row in section.rows:
        row["ratio"] = round(ratio_of(own, row, "jobs_per_second"), 2)
    section.goals = [_goal(own, row, jobs) for row in section.rows[1:]]
    return section


def _rounds(queues: list[Queue], directory: Path, jobs: int, rounds: int) -> dict[str, list[Drain]]:
    found: dict[str, list[Drain]] = {queue.name: [] for queue in queues}
    for number in range(rounds):
        for place, queue in enumerate(queues):
            found[queue.name].append(queue.drain(directory / f"{number}-{place}", jobs))
    return found


def row_of(queue: Queue, drains: list[Drain], jobs: int) -> dict[str, Any]:
    """The table row of a queue: medians of its drains, and the rate of each."""
    windows = [jobs / drain.seconds for drain in drains]
    return {
        "peer": queue.name,
        "jobs_per_second": round(statistics.median(windows)),
        "jobs_per_cpu_second": round(statistics.median(jobs / drain.cpu_seconds for drain in drains)),
        "broker_us": round(statistics.median(drain.broker_cpu_seconds for drain in drains) / jobs * 1e6),
        "stores": queue.stores,
        "acknowledged": queue.acknowledged,
        "windows": windows,
    }


def _goal(own: dict[str, Any], row: dict[str, Any], jobs: int) -> Goal:
    return at_least("jobs", f"{jobs:,}, no-op", own, row, "jobs_per_second", UNIT, times=1)
