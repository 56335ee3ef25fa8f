"""Counts the jobs that this process runs, and writes down when the last of them has begun."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

URL = os.environ["BENCH_URL"]
CONCURRENCY = 100

_wanted = int(os.environ["BENCH_JOBS"])
_begun = [0.0, 0.0]
_count = 0


def count() -> None:
    """Count a job. With the last one the file BENCH_DONE is written."""
    global _count
    _count += 1
    if _count == 1:
        _begun[:] = time.monotonic(), time.process_time()
    if _count == _wanted:
        took = {"seconds": time.monotonic() - _begun[0], "cpu_seconds": time.process_time() - _begun[1]}
        done = Path(os.environ["BENCH_DONE"])
        done.with_suffix(".new").write_text(json.dumps(took))
        done.with_suffix(".new").rename(done)


def run(submit: Callable[[int], object], work: Callable[[], object] | None = None) -> None:
    """The command of an application: `submit COUNT`, or `work`."""
    if sys.argv[1] == "submit":
        submit(int(sys.argv[2]))
    else:
        assert work is not None
        work()
