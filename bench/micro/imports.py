"""Time that an import adds to the start of Python: `python -m bench.micro.imports`.

Each figure is the median of processes that run alternately, less that of one that imports nothing: elapsed time, and
CPU time, which other processes change less.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from resource import RUSAGE_CHILDREN, getrusage

NOTHING = "pass"
CODES = {
    "`import headway`": "import headway",
    "`headway.track` outside of a task": "import headway; list(headway.track([]))",
    "`headway.report`, not yet used": "import headway; headway.report",
    "`import asyncio`": "import asyncio",
    "`import msgspec`": "import msgspec",
    "`import tqdm`": "import tqdm",
}


def milliseconds(code: str) -> tuple[float, float]:
    """Elapsed and CPU time of a process that runs `code`."""
    before, start = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
    elapsed, after = time.perf_counter() - start, getrusage(RUSAGE_CHILDREN)
    return elapsed * 1000, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.micro.imports", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    taken: dict[str, list[tuple[float, float]]] = {code: [] for code in [NOTHING, *CODES.values()]}
    for _ in range(rounds):
        for code, times in taken.items():
            times.append(milliseconds(code))
    medians = {
        code: [statistics.median(column) for column in zip(*times, strict=True)] for code, times in taken.items()
    }
    base = medians[NOTHING]
    print(f"Python alone: {base[0]:.0f} ms, {base[1]:.0f} ms of CPU time\n")
    print("| in addition | ms | ms of CPU time |\n|---|---|---|")
    for name, code in CODES.items():
        elapsed, cpu = (figure - alone for figure, alone in zip(medians[code], base, strict=True))
        print(f"| {name} | {elapsed:.0f} | {cpu:.0f} |")


if __name__ == "__main__":
    main()
