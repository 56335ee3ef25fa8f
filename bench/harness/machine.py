"""The machine: its cores, limits and properties."""

from __future__ import annotations

import os
import platform
import resource
from contextlib import suppress
from pathlib import Path

_ALLOWED = sorted(os.sched_getaffinity(0))
SERVER_CORES = {_ALLOWED[0]}
"""Cores of the server under test."""
CLIENT_CORES = set(_ALLOWED[1:]) or SERVER_CORES
"""Cores of everything else: client, publishers, NATS."""


def cores() -> list[int]:
    """The cores that this process was started on."""
    return _ALLOWED


def cores_for(number: int) -> list[set[int]]:
    """A core for each of `number` servers; the server core for all where there are too few."""
    if len(_ALLOWED) > number:
        return [{core} for core in _ALLOWED[:number]]
    return [SERVER_CORES] * number


def pin_client() -> None:
    """Pin this process, and what it starts without cores of its own, to the client's cores."""
    os.sched_setaffinity(0, CLIENT_CORES)


def prefer(pid: int = 0) -> None:
    """Raise the priority of a process, where that is allowed.

    A publisher must not wait until the client has read everything: events that are due apart would be sent together,
    and cost the server less.
    """
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, -15)


def file_limit() -> int:
    """The limit of open files."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_file_limit(wanted: int = 65_536) -> None:
    """Raise the limit of open files to `wanted`, or as far as is allowed; children inherit it."""
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
    """Properties of the machine that the figures depend on."""
    return {
        "cores": len(_ALLOWED),
        "server_cores": len(SERVER_CORES),
        "system": platform.system(),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "architecture": platform.machine(),
        "tcp_congestion_control": _read("/proc/sys/net/ipv4/tcp_congestion_control"),
        "python": platform.python_version(),
    }
