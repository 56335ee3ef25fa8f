"""A redis-server for a measurement: it appends each write to a file, on the client's cores."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.harness import machine
from bench.harness.errors import StartError
from bench.harness.process import Process, free_port, listening


def program() -> str:
    """Path of redis-server, or nothing."""
    return shutil.which("redis-server") or ""


class RedisServer(Process):
    """A redis-server on a free port of the loopback. Raises StartError when it is not installed or does not start.

    With `appendonly` a write is in a file before it is acknowledged, and on disk within a second: nearest to JetStream,
    whose writes are in a file too, and on disk within its sync_interval.
    """

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        if not program():
            raise StartError("redis-server is not installed")
        command = [program(), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(directory)]
        command += ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]
        super().__init__("redis-server", command, directory, cores=machine.CLIENT_CORES)
        self.wait_for(lambda: listening(self.port))
        machine.prefer(self.pid)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"redis://127.0.0.1:{self.port}/0"
