"""Processes of a measurement: start them on given cores, read /proc, kill them with their children."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench.harness.errors import StartError

READY_SECONDS = 30.0
PORTS = range(20_000, 32_000)
_next_port = PORTS.start + os.getpid() % 8_000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Memory(NamedTuple):
    """Memory of a group of processes, in bytes. PSS divides shared pages among their users, so it adds up."""

    rss: int
    pss: int


class Process:
    """A program and its children on the given cores. Its output goes to `<name>.log` in `directory`."""

    def __init__(
        self,
        name: str,
        command: list[str],
        directory: Path,
        *,
        cores: set[int],
        environment: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self._log = directory / f"{name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=directory,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_bound_to(cores),
            )

    @property
    def pid(self) -> int:
        """Id of the process itself."""
        return self._process.pid

    def wait_for(self, ready: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        """Wait until `ready()`. Raises StartError, with the end of the log, if the process ends or time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._process.poll() is None:
            if ready():
                return
            time.sleep(0.02)
        raise StartError(f"{self.name} did not start: {self.output()}")

    def wait(self, seconds: float) -> int:
        """Wait for its end. Returns the exit code. Raises subprocess.TimeoutExpired."""
        return self._process.wait(seconds)

    def output(self) -> str:
        """The end of its output."""
        return self._log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """Kill the process and its children."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def tree(self) -> list[int]:
        """Ids of the process and of its running children."""
        return list(_tree(self._process.pid))


def _bound_to(cores: set[int]) -> Callable[[], None]:
    def prepare() -> None:
        os.sched_setaffinity(0, cores)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # killed with the harness

    return prepare


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:
            continue
        for child in found:
            yield from _tree(int(child))


def cpu_seconds(processes: Iterable[Process]) -> float:
    """User and system time of all threads of these processes and their children.

    From /proc/<pid>/task/*/schedstat: the time of utime + stime in /proc/<pid>/stat, in nanoseconds instead of
    ticks of 10 ms. The kernel charges a `send` on the loopback, up to the receiver's buffer, to the sender.
    """
    total = 0
    for process in processes:
        for pid in process.tree():
            for schedstat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    total += int(schedstat.read_text().split()[0])
                except OSError:
                    continue
    return total / 1e9


def memory(processes: Iterable[Process]) -> Memory:
    """Memory of these processes and their children, from /proc/<pid>/smaps_rollup."""
    rss = pss = 0
    for process in processes:
        for pid in process.tree():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Rss:"):
                    rss += int(line.split()[1]) * 1024
                elif line.startswith("Pss:"):
                    pss += int(line.split()[1]) * 1024
    return Memory(rss, pss)


def free_port(following: int = 0) -> int:
    """A free port of the loopback, followed by `following` free ones. Each is returned once.

    Below the ephemeral range: one of 10,000 client connections would take a server's port sooner or later.
    Raises StartError when there is none.
    """
    global _next_port
    for port in range(_next_port, PORTS.stop - following):
        wanted = range(port, port + following + 1)
        if all(_is_free(candidate) for candidate in wanted):
            _next_port = wanted.stop
            return port
    raise StartError("no free port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def listening(port: int) -> bool:
    """Whether connections to this port of the loopback are accepted."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
