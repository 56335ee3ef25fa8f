"""CPU share of idle watchers, and reads of the NATS socket under load.

`python -m bench.micro.idle_cpu 10000`: as many tasks with a watcher each. Prints the share of a core over 20 idle
seconds, then events per CPU-second and reads (`syscr` of /proc/<pid>/io, without tracing) at 5,000 events a second.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.harness import machine
from bench.harness.testbed import Mode, Testbed
from bench.harness.window import Setup
from bench.peers import Headway

IDLE_SECONDS, WINDOW_SECONDS, ROUNDS = 20.0, 4.0, 3
EVENTS_PER_SECOND = 5000.0


def main() -> None:
    """Measure and print."""
    machine.raise_file_limit()
    machine.pin_client()
    number = int(sys.argv[1])
    with Testbed(Mode()) as testbed:
        (peer,) = testbed.start([Headway()])
        setup = Setup(testbed, peer, tasks=number, watchers=number)
        setup.window(rate=1, seconds=1.0)
        setup.watchers.settle(2.0)
        begin, cpu = time.monotonic(), peer.cpu_seconds()
        while time.monotonic() - begin < IDLE_SECONDS:
            setup.watchers.settle(0.5)
        share = (peer.cpu_seconds() - cpu) / (time.monotonic() - begin)
        print(f"{number:,} idle watchers: {share:.2%} of a core")
        for _ in range(ROUNDS):
            before = _reads(peer.processes[0].pid)
            window = setup.window(rate=EVENTS_PER_SECOND / number, seconds=WINDOW_SECONDS)
            reads = _reads(peer.processes[0].pid) - before
            rate = f"{window.events_per_cpu_second:,.0f} events per CPU-second"
            print(f"  {rate}, {window.events:,} events in {reads:,} reads")


def _reads(pid: int) -> int:
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("syscr"))


if __name__ == "__main__":
    main()
