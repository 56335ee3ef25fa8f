"""How many CPUs this process may use: those of its affinity, and of the quota of its container."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

QUOTAS = (Path("/sys/fs/cgroup/cpu.max"), Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"))
"""Files of cgroups 2 and 1; within a container they are those of the container."""
PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def usable_cpus() -> int:
    """Return the number of CPUs that this process may use, at least 1."""
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return bounded_by(_quota(), allowed)


def bounded_by(quota: str, cpus: int) -> int:
    """Return how many of `cpus` a quota leaves: microseconds and period, as in cpu.max. A part of a CPU counts as one.

    >>> bounded_by("150000 100000", 8), bounded_by("max 100000", 8), bounded_by("-1 100000", 8), bounded_by("", 8)
    (2, 8, 8, 8)
    """
    given, _, period = quota.partition(" ")
    if not (given.isdigit() and period.strip().isdigit() and int(period)):
        return cpus
    return max(min(cpus, math.ceil(int(given) / int(period))), 1)


def _quota() -> str:
    second, first = QUOTAS
    return _read(second) or f"{_read(first)} {_read(PERIOD)}"


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
