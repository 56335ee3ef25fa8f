"""Clustering texts: time, memory and gaps of the kind `cluster`.

    python -m bench.micro.clusters 1000 100000      # numbers of texts
    python -m bench.micro.clusters most             # the most that is read: 64 MiB of words that are all different

Each run is a process of its own. The texts have five to twenty words, half of them of one of eight subjects. `gap` is
the longest time without progress, and names its step; a cancelled run in a thread goes on for as long at most. `base`
is the memory after the imports, `peak` the most during the run.
"""

from __future__ import annotations

import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

SUBJECTS = 8
SUBJECT_WORDS = 150
COMMON_WORDS = 2000


class FakeJob:
    """The methods of a job that the kind calls: records the time between two calls, and the time of each step."""

    def __init__(self) -> None:
        self.began = self.last = time.perf_counter()
        self.gap = 0.0
        self.at = self.where = ""
        self.steps: Counter[str] = Counter()

    def noted(self) -> None:
        now = time.perf_counter()
        if now - self.last > self.gap:
            self.gap, self.where = now - self.last, self.at
        self.steps[self.at] += now - self.last
        self.last = now

    def step(self, name: str, **given: object) -> None:
        self.noted()
        self.at = name

    def track(self, rows: Any, **given: object) -> Any:
        return rows

    def update(self, **given: object) -> None:
        self.noted()

    def advance(self, count: float) -> None:
        self.noted()

    def raise_if_cancelled(self) -> None:
        self.noted()

    def log(self, *args: object) -> None: ...


def write_texts(path: Path, count: int) -> None:
    """Write a table of texts and their subjects; the same in every run."""
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=rng.randint(4, 9))) for _ in range(SUBJECTS * SUBJECT_WORDS + COMMON_WORDS)]
    common = words[SUBJECTS * SUBJECT_WORDS :]
    weights = [1 / rank for rank in range(1, COMMON_WORDS + 1)]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text"])
        for row in range(count):
            subject = rng.randrange(SUBJECTS)
            own = words[subject * SUBJECT_WORDS : (subject + 1) * SUBJECT_WORDS]
            length = rng.randint(5, 20)
            picked = rng.choices(own, k=length // 2) + rng.choices(common, weights, k=length - length // 2)
            rng.shuffle(picked)
            rows.writerow([row, " ".join(picked)])


def write_most(path: Path) -> None:
    """Write more than is read, in texts of the longest kind: a word seldom occurs twice."""
    rng = random.Random(1)
    with path.open("w") as file:
        file.write("text\n")
        for _ in range(17_000):
            file.write(" ".join(f"{rng.getrandbits(28):07x}" for _ in range(500)) + "\n")


def measure(path: Path, k: str) -> dict[str, Any]:
    """Cluster the texts of a table. Called in a process of its own."""
    import headway_kinds.cluster.analysis  # noqa: F401 - measured before the run
    from headway.jetstream.connection import NatsSettings
    from headway_kinds.cluster.kind import cluster
    from headway_kinds.cluster.params import ClusterParams
    from headway_kinds.settings import Settings

    base, job = _peak_mb(), FakeJob()
    began, cpu = time.perf_counter(), time.process_time()
    params = ClusterParams(source=path.name, column="text", k="auto" if k == "auto" else int(k))
    report = cluster(job, params, Settings(data_dir=str(path.parent)), NatsSettings())  # type: ignore[arg-type]
    job.noted()
    return {
        "texts": report.texts,
        "k": report.k,
        "silhouette": report.silhouette,
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "base": base,
        "peak": _peak_mb(),
        "gap": job.gap,
        "where": job.where,
        "steps": {name: round(seconds, 2) for name, seconds in job.steps.items() if name},
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main(counts: list[str]) -> None:
    print("  texts     k  silhouette   CPU s  wall s  base MB  peak MB  gap s  seconds of each step")
    with tempfile.TemporaryDirectory(prefix="headway-clusters-") as folder:
        for count in counts:
            path = Path(folder) / f"{count}.csv"
            write_most(path) if count == "most" else write_texts(path, int(count))
            for k in ("auto", "8"):
                argv = [sys.executable, "-m", "bench.micro.clusters", "--one", str(path), k]
                run = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
                print(
                    f"{run['texts']:7,} {run['k']:5} {run['silhouette']:11.3f} {run['cpu']:7.1f} {run['wall']:7.1f} "
                    f"{run['base']:8.0f} {run['peak']:8.0f} {run['gap']:6.2f}  {run['where']}; {run['steps']}",
                    flush=True,
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(Path(sys.argv[2]), sys.argv[3])))
    else:
        main(sys.argv[1:] or ["1000", "100000", "most"])
