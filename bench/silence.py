"""What watchers cost while nothing happens, and how often NATS is read when something does.

`python -m bench.silence 10000`: as many tasks with a watcher each. Prints the share of a core over 20 silent seconds,
then events per CPU-second and reads (`syscr` of /proc/<pid>/io: nothing is traced) at 5,000 events a second.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench import machine
from bench.lab import Lab, Plan
from bench.peers import Headway
from bench.window import Stand

SILENT_SECONDS, WINDOW_SECONDS, ROUNDS = 20.0, 4.0, 3
EVENTS_PER_SECOND = 5000.0


def main() -> None:
    """Measure and print."""
    machine.raise_file_limit()
    machine.pin_client()
    number = int(sys.argv[1])
    with Lab(Plan()) as lab:
        (peer,) = lab.start([Headway()])
        stand = Stand(lab, peer, tasks=number, watchers=number)
        stand.window(rate=1, seconds=1.0)
        stand.watchers.settle(2.0)
        begin, cpu = time.monotonic(), peer.cpu_seconds()
        while time.monotonic() - begin < SILENT_SECONDS:
            stand.watchers.settle(0.5)
        share = (peer.cpu_seconds() - cpu) / (time.monotonic() - begin)
        print(f"{number:,} silent watchers: {share:.2%} of a core")
        for _ in range(ROUNDS):
            before = _reads(peer.processes[0].pid)
            window = stand.window(rate=EVENTS_PER_SECOND / number, seconds=WINDOW_SECONDS)
            reads = _reads(peer.processes[0].pid) - before
            rate = f"{window.events_per_cpu_second:,.0f} events per CPU-second"
            print(f"  {rate}, {window.events:,} events in {reads:,} reads")


def _reads(pid: int) -> int:
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("syscr"))


if __name__ == "__main__":
    main()
