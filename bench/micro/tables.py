"""Reading tables: the kind `bulk` beside polars, DuckDB, pyarrow and the bare csv module.

    python -m bench.micro.tables 0.001 1 100        # megabytes; skips libraries that are not installed

Each runs in a process of its own, on one thread, over the same file of eleven columns. `read` goes through all rows;
`profile` computes types, nulls, extent, mean, distinct and frequent values of each column, as far as the library can.
CPU time, since wall time depends on what else runs. `gap` is the longest time without progress, `stop` how long a
cancelled run goes on.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HEADER = "id,code,name,country,lat,lon,elevation,when,flag,note,price\n"
BLOCK_ROWS = 20_000
STOP_AFTER = 0.3
"""Share of the run after which it is cancelled."""
COLUMNS = HEADER.strip().split(",")
INTEGER, DATE = r"[+-]?(0|[1-9]\d{0,17})", r"\d{4}-\d\d-\d\d"


class Stopped(Exception):
    """The run was cancelled."""


class FakeJob:
    """The methods of a job that the kind calls: records progress, and cancels after `stop_after` seconds."""

    def __init__(self, stop_after: float | None) -> None:
        self.began = self.last = time.perf_counter()
        self.gap = 0.0
        self.count = 0
        self.stop_at = None if stop_after is None else self.began + stop_after

    def noted(self, progress: object = 1) -> None:
        now = time.perf_counter()
        self.gap, self.last, self.count = max(self.gap, now - self.last), now, self.count + 1

    @property
    def stopped(self) -> bool:
        return self.stop_at is not None and time.perf_counter() > self.stop_at

    def step(self, *args: object, **given: object) -> None: ...
    def log(self, *args: object) -> None: ...
    def update(self, **given: object) -> None:
        self.noted()

    def raise_if_cancelled(self) -> None:
        if self.stopped:
            raise Stopped


def headway_profile(path: Path, job: FakeJob) -> int:
    from headway_kinds.bulk import kind as bulk

    table, _ = bulk.profile(job, path, bulk.detect_format(bulk.read_sample(path)))  # type: ignore[arg-type]
    return table.rows


def headway_read(path: Path, job: FakeJob) -> int:
    from headway_kinds.bulk.table import SAMPLE_BYTES, Table, detect_format

    with path.open("rb") as stream:
        form = detect_format(stream.read(SAMPLE_BYTES))
        stream.seek(0)
        table = Table(stream, form, check=job.raise_if_cancelled)
        for _ in table.batches(900):
            job.noted()
            job.raise_if_cancelled()
    return table.rows


def csv_read(path: Path, job: FakeJob) -> int:
    import csv

    with path.open(newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def duckdb_read(path: Path, job: FakeJob) -> int:
    return _duckdb(path, job, lambda name: f'max(length("{name}"))')


def duckdb_profile(path: Path, job: FakeJob) -> int:
    def aggregates(name: str) -> str:
        value = f'trim("{name}")'
        number = f"try_cast({value} as double)"
        return (
            f"count({value}), count(*) filter (regexp_full_match({value}, '{INTEGER}')), count({number}), "
            f"count(try_cast({value} as timestamp)), min({value}), max({value}), min({number}), max({number}), "
            f"avg({number}), max(length({value})), approx_count_distinct({value}), approx_top_k({value}, 5)"
        )

    return _duckdb(path, job, aggregates)


def _duckdb(path: Path, job: FakeJob, aggregates: Callable[[str], str]) -> int:
    import duckdb

    link = duckdb.connect(config={"threads": 1, "memory_limit": "512MB"})
    link.execute("set enable_progress_bar = true; set enable_progress_bar_print = false; set progress_bar_time = 0")
    columns = ", ".join(aggregates(name) for name in COLUMNS)
    source = f"read_csv('{path}', all_varchar = true, delim = ',', quote = '\"', header = true, store_rejects = true)"
    seen: list[Any] = []

    def run() -> None:
        try:
            seen.append(link.execute(f"select count(*), {columns} from {source}").fetchone())
        except duckdb.InterruptException:
            seen.append(None)

    thread, progress = threading.Thread(target=run), -1.0
    thread.start()
    while thread.is_alive():
        thread.join(0.02)
        if (now := link.query_progress()) not in (progress, -1):
            progress = now
            job.noted()
        if job.stopped:
            link.interrupt()
            thread.join()
            raise Stopped
    return seen[0][0]


def polars_profile(path: Path, job: FakeJob) -> int:
    import polars

    wanted = [polars.len()]
    for name in COLUMNS:
        value = polars.col(name).str.strip_chars()
        number = value.cast(polars.Float64, strict=False)
        asked = {
            "n": value.count(),
            "i": value.str.contains(f"^{INTEGER}$").sum(),
            "d": value.str.contains(f"^{DATE}$").sum(),
            "u": value.approx_n_unique(),
            "a": value.min(),
            "b": value.max(),
            "c": number.min(),
            "e": number.max(),
            "m": number.mean(),
            "l": value.str.len_chars().max(),
        }
        wanted += [expression.alias(f"{name}-{key}") for key, expression in asked.items()]
    scan = polars.scan_csv(path, infer_schema=False, ignore_errors=True, truncate_ragged_lines=True)
    return scan.select(wanted).collect(engine="streaming").item(0, 0)


def pyarrow_read(path: Path, job: FakeJob) -> int:
    import pyarrow
    from pyarrow import csv

    texts = csv.ConvertOptions(column_types=dict.fromkeys(COLUMNS, pyarrow.string()))
    rows = 0
    with csv.open_csv(
        path,
        read_options=csv.ReadOptions(use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=texts,
    ) as reader:
        for batch in reader:
            rows += batch.num_rows
            job.noted()
            job.raise_if_cancelled()
    return rows


RUNS: dict[str, Callable[[Path, FakeJob], int]] = {
    "csv read": csv_read,
    "headway read": headway_read,
    "headway profile": headway_profile,
    "DuckDB read": duckdb_read,
    "DuckDB profile": duckdb_profile,
    "polars profile": polars_profile,
    "pyarrow read": pyarrow_read,
}
MODULES = {"DuckDB": "duckdb", "polars": "polars", "pyarrow": "pyarrow"}


def write_table(path: Path, size_bytes: int) -> None:
    """Write about `size_bytes`, at least ten rows; the same in every run."""
    rng = random.Random(1)
    words = [f"word{number}" for number in range(5000)]
    block = [
        f'{rng.choice(words)[:6]}{number},"{rng.choice(words)} {rng.choice(words)}",{rng.choice(["US", "DE"])},'
        f"{rng.uniform(-90, 90):.6f},{rng.uniform(-180, 180):.5f},{rng.randint(0, 4000)},"
        f"20{number % 25:02}-0{number % 9 + 1}-1{number % 9},{'true' if number % 3 else 'false'},"
        f'"{rng.choice(words)}, {rng.choice(words)}",{rng.uniform(0, 100):.2f}\n'
        for number in range(BLOCK_ROWS)
    ]
    with path.open("w", newline="") as file:
        size, row = file.write(HEADER), 0
        while size < size_bytes or row < 10:
            size += file.write(f"{row},{block[row % BLOCK_ROWS]}")
            row += 1


def measure(name: str, path: Path, stop_after: float | None) -> dict[str, Any]:
    """Measure the import, then a run. Called in a process of its own."""
    began = time.process_time()
    __import__(MODULES.get(name.split()[0], "headway_kinds.bulk.kind" if name.startswith("headway") else "csv"))
    imported, base = time.process_time(), _peak_mb()
    job = FakeJob(stop_after)
    try:
        rows = RUNS[name](path, job)
    except Stopped:
        assert job.stop_at is not None
        return {"stop": time.perf_counter() - job.stop_at}
    cpu = time.process_time() - imported
    wall = time.perf_counter() - job.began
    gap = max(job.gap, time.perf_counter() - job.last)
    return {
        "rows": rows,
        "import": imported - began,
        "base": base,
        "peak": _peak_mb(),
        "cpu": cpu,
        "wall": wall,
        "gap": gap,
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _child(*args: str) -> dict[str, Any] | None:
    done = subprocess.run([sys.executable, "-m", "bench.micro.tables", "--one", *args], capture_output=True, text=True)
    if done.returncode:
        print(f"{args[0]:16} skipped: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}")
        return None
    return json.loads(done.stdout)


def main(sizes: list[float]) -> None:
    heads = {
        "": -16,
        "MB": 7,
        "rows": 10,
        "import s": 8,
        "CPU s": 7,
        "rows/CPU s": 10,
        "peak MB": 8,
        "gap s": 6,
        "stop s": 6,
    }
    print(" ".join(f"{name:<{-width}}" if width < 0 else f"{name:>{width}}" for name, width in heads.items()))
    with tempfile.TemporaryDirectory(prefix="headway-tables-") as folder:
        path = Path(folder) / "table.csv"
        for size in sizes:
            write_table(path, int(size * 1e6))
            for name in RUNS:
                if (run := _child(name, str(path))) is None:
                    continue
                stopped = _child(name, str(path), str(run["wall"] * STOP_AFTER)) if run["wall"] > 2 else None
                stop = f"{stopped['stop']:6.2f}" if stopped and "stop" in stopped else "     –"
                print(
                    f"{name:16} {size:7g} {run['rows']:10,} {run['import']:8.2f} {run['cpu']:7.2f} "
                    f"{run['rows'] / run['cpu']:10,.0f} {run['peak']:8.0f} {run['gap']:6.2f} {stop}",
                    flush=True,
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        name, path, *rest = sys.argv[2:]
        print(json.dumps(measure(name, Path(path), float(rest[0]) if rest else None)))
    else:
        main([float(size) for size in sys.argv[1:]] or [0.001, 1, 10])
