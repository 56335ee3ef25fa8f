"""Cost of a call that a handler makes, beside tqdm in the same run: `python -m bench.micro.calls`.

The job runs as in a processor: in a thread, with a pump that appends to a log in memory. Each figure is the best of
several short rounds, in CPU time of the thread, without that of other processes; the rounds of all cases alternate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import headway
import headway.tqdm
from headway.testing import MemoryLog, start_job
from headway.track import current

Case = Callable[[headway.Job, int], None]


def plain(job: headway.Job, count: int) -> None:
    for _ in range(count):
        pass


def advance(job: headway.Job, count: int) -> None:
    call = job.advance
    for _ in range(count):
        call()


def advance_in_track(job: headway.Job, count: int) -> None:
    for _ in job.track("a"):
        advance(job, count)


def update(job: headway.Job, count: int) -> None:
    call = job.update
    for done in range(count):
        call(done=done)


def track(job: headway.Job, count: int) -> None:
    for _ in headway.track(range(count)):
        pass


def nested(job: headway.Job, count: int) -> None:
    for _ in headway.track(range(10)):
        for _ in headway.track(range(count // 10)):
            pass


def outside(job: headway.Job, count: int) -> None:
    token = current.set(None)
    for _ in headway.track(range(count)):
        pass
    current.reset(token)


def tqdm_update(job: headway.Job, count: int) -> None:
    with tqdm(total=count, file=NOWHERE) as bar:
        call = bar.update
        for _ in range(count):
            call()


def tqdm_iteration(job: headway.Job, count: int) -> None:
    for _ in tqdm(range(count), file=NOWHERE):
        pass


def connected(case: Case) -> Case:
    """The same after `headway.tqdm.connect()`, in the task."""

    def measured(job: headway.Job, count: int) -> None:
        with headway.tqdm.connect():
            case(job, count)

    return measured


def connected_outside(case: Case) -> Case:
    """The same after `headway.tqdm.connect()`, outside of any task."""

    def measured(job: headway.Job, count: int) -> None:
        token = current.set(None)
        connected(case)(job, count)
        current.reset(token)

    return measured


NOWHERE = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process
ROW = "tqdm's loop, a row"

with suppress(ImportError):
    from tqdm import tqdm

EMPTY = "an empty loop"
CASES: dict[str, Case] = {
    EMPTY: plain,
    "`job.advance()`": advance,
    "`job.advance()` within a track": advance_in_track,
    "`job.update(done=…)`": update,
    "`track`, a row": track,
    "`track` within a track, a row": nested,
    "`track` outside of a task, a row": outside,
}
PEERS: dict[str, Case] = {
    "tqdm's `update()`": tqdm_update,
    ROW: tqdm_iteration,
    "tqdm's `update()`, connected": connected(tqdm_update),
    "tqdm's loop, connected, a row": connected(tqdm_iteration),
    "tqdm's `update()` outside of a task, connected": connected_outside(tqdm_update),
    "tqdm's loop outside of a task, connected, a row": connected_outside(tqdm_iteration),
}
if "tqdm" in globals():
    CASES |= PEERS


def measure(job: headway.Job, count: int, rounds: int) -> dict[str, float]:
    """Nanoseconds per call, the minimum of `rounds`, less those of an empty loop."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, case in CASES.items():
            job.step(name)
            start = time.thread_time()
            case(job, count)
            taken = (time.thread_time() - start) / count * 1e9
            best[name] = min(best.get(name, taken), taken)
    empty = best.pop(EMPTY)
    return {name: value - empty for name, value in best.items()}


async def run(count: int, rounds: int) -> dict[str, float]:
    job = start_job(MemoryLog())
    current.set(job)
    try:
        return await asyncio.to_thread(measure, job, count, rounds)
    finally:
        await job.abort()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.micro.calls", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=50_000, help="calls a round")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # a loop beside a task is one of the cases
    figures = asyncio.run(run(options.count, options.rounds))
    if options.json:
        print(json.dumps(figures))
        return
    peer = figures.get(ROW)
    print("| call | ns | of a row of tqdm |\n|---|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value:.0f} |", "|" if peer is None else f"{value / peer:.2f} |")


if __name__ == "__main__":
    main()
