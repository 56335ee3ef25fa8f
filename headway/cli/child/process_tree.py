"""A process and those it has started, to end all of them: a shell passes no signal on to its commands."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


class ProcessTree:
    """The process `pid` and its descendants, as far as /proc shows them; elsewhere the process alone."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: dict[int, str] = {}
        """When each of them was started: another process may get its number later."""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of them, also to those that were seen earlier and have lost their parent."""
        for pid in self.running():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def running(self) -> list[int]:
        """Those that run."""
        for pid in descendants(self._pid):
            self._known.setdefault(pid, started(pid))
        return [pid for pid, when in self._known.items() if when and started(pid) == when]


def descendants(pid: int) -> list[int]:
    """The process and those that it has started, parents first."""
    found = [pid]
    for parent in found:
        for children in (PROC / str(parent) / "task").glob("*/children"):
            with suppress(OSError):
                found += map(int, children.read_text().split())
    return found


def started(pid: int) -> str:
    """When the process was started, in ticks since the boot; empty when it has ended, "unknown" without /proc."""
    try:
        state, *fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "" if PROC.is_dir() and (PROC / "self").exists() else "unknown"
    return "" if state in ("Z", "X") else fields[18]
