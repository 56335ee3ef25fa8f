"""The machine that measures: its cores, its limits, and what is written down of it."""

from __future__ import annotations

import os
import platform
import resource
from contextlib import suppress
from pathlib import Path

_ALLOWED = sorted(os.sched_getaffinity(0))
SERVER_CORES = {_ALLOWED[0]}
"""Where the server under test runs, alone."""
CLIENT_CORES = set(_ALLOWED[1:]) or SERVER_CORES
"""Where everything else runs: client, publishers, NATS."""


def cores_for(number: int) -> list[set[int]]:
    """A core for each of `number` servers, or the one server core for all of them where there are too few."""
    if len(_ALLOWED) > number:
        return [{core} for core in _ALLOWED[:number]]
    return [SERVER_CORES] * number


def pin_client() -> None:
    """Put this process, and what it starts without a core of its own, on the client's cores."""
    os.sched_setaffinity(0, CLIENT_CORES)


def prefer(pid: int = 0) -> None:
    """Let this process go first on its cores, where that is allowed: a publisher must not wait for the client to have
    read everything, or events that are due apart come together and cost the server less.
    """
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, -15)


def file_limit() -> int:
    """How many files a process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_file_limit(wanted: int = 65_536) -> None:
    """As many open files as are allowed, up to `wanted`; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (wanted, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, hard)))
        except (ValueError, OSError):
            continue
        return


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def facts() -> dict[str, object]:
    """What a reader must know to read the figures."""
    return {
        "cores": len(_ALLOWED),
        "server_cores": len(SERVER_CORES),
        "system": platform.system(),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "architecture": platform.machine(),
        "tcp_congestion_control": _read("/proc/sys/net/ipv4/tcp_congestion_control"),
        "python": platform.python_version(),
    }
