"""Ports of this machine: which are free, and whose folder it is."""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from headway.errors import HeadwayError

HOST = "127.0.0.1"
LAST_PORT = 65535


class PortError(HeadwayError):
    """A port is taken, or a folder is in use; the message says what to do."""


def is_free(port: int, host: str = HOST) -> bool:
    """Whether a server could listen on it now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
        return True


def free_ports(count: int, host: str = HOST) -> list[int]:
    """Ports that the system gives out, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((host, 0))
        return [probe.getsockname()[1] for probe in probes]


def check_free(first: int, count: int) -> tuple[int, ...]:
    """`count` ports from `first` on. Raises PortError when one is taken."""
    ports = tuple(range(first, first + count))
    for port in ports:
        if port > LAST_PORT or not is_free(port):
            raise PortError(f"port {port} is taken. End the program that listens there, or choose another with --port.")
    return ports


def next_free(first: int, count: int) -> tuple[int, ...]:
    """The first run of `count` free ports that begins at `first`, `first + count` … Raises PortError."""
    for start in range(first, min(first + 1000 * count, LAST_PORT - count), count):
        ports = tuple(range(start, start + count))
        if all(is_free(port) for port in ports):
            return ports
    raise PortError(f"no {count} free ports from {first} on; choose others with --port.")


@contextmanager
def claimed(folder: Path) -> Iterator[Path]:
    """`folder`, made if it is missing and ignored by git, for this process alone. Raises PortError when it is in use.

    Two nats-servers on one store would ruin it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PortError(
                f"{folder} is in use by another `headway dev`. End that one, or run in another folder."
            ) from error
        yield folder
