"""CPU time that other programs use during a measurement."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.harness import machine

QUIET_SHARE = 0.05
"""Share of the cores up to which the machine counts as quiet."""
_TICKS = os.sysconf("SC_CLK_TCK")


class OtherLoad:
    """Measures from its creation to `share()`. Children that are still running count as other programs."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._other = _busy_seconds(Path("/proc/stat").read_text(), machine.cores()) - _own_seconds()

    def share(self) -> float:
        """Share of the allowed cores that other programs have used."""
        cores = machine.cores()
        other = _busy_seconds(Path("/proc/stat").read_text(), cores) - _own_seconds() - self._other
        return max(0.0, other / (time.monotonic() - self._begin) / len(cores))


def note(share: float) -> str:
    """A remark for the report; empty for a quiet machine."""
    if share <= QUIET_SHARE:
        return ""
    return f"The machine was not quiet: other programs used {share:.0%} of its cores. This widens the ranges."


def _own_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _busy_seconds(stat: str, cores: list[int]) -> float:
    """User, nice, system and stolen time of some cores, from the text of /proc/stat."""
    wanted = {f"cpu{core}" for core in cores}
    total = 0
    for line in stat.splitlines():
        name, *fields = line.split()
        if name in wanted:
            user, nice, system, _, _, _, _, steal = (int(value) for value in fields[:8])
            total += user + nice + system + steal
    return total / _TICKS
