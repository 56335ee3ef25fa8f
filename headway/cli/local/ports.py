"""TCP ports of this machine."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from headway.errors import HeadwayError

HOST = "127.0.0.1"
LAST_PORT = 65535


class PortError(HeadwayError):
    """A port is in use; the message says what to do."""


def is_free(port: int, host: str = HOST) -> bool:
    """Return whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
        return True


def free_ports(count: int, host: str = HOST) -> list[int]:
    """Return `count` different free ports, chosen by the operating system."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((host, 0))
        return [probe.getsockname()[1] for probe in probes]


def check_free(first: int, count: int) -> tuple[int, ...]:
    """Return the `count` consecutive ports from `first`. Raises PortError when one is in use."""
    ports = tuple(range(first, first + count))
    for port in ports:
        if port > LAST_PORT or not is_free(port):
            raise PortError(
                f"port {port} is in use. Stop the program that listens there, or choose another with --port."
            )
    return ports


def next_free(first: int, count: int) -> tuple[int, ...]:
    """Return `count` consecutive free ports, at `first` or a multiple of `count` above it. Raises PortError."""
    for start in range(first, min(first + 1000 * count, LAST_PORT - count), count):
        ports = tuple(range(start, start + count))
        if all(is_free(port) for port in ports):
            return ports
    raise PortError(f"no {count} consecutive free ports from {first}; choose others with --port.")
