"""Headway: the real streamer, started as users start it, on a real nats-server with JetStream in files.

Nothing is left out: routing, middleware, admission, metrics, tails, probes. Events are appended to the log as a
processor does it (`bench.feeds.JetStream`) and come back over the republished subject: ingest from the broker is part
of every figure. Watchers ask for `merge=0`: every event, also to one that is behind.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from typing import Any, ClassVar

from bench import procs
from bench.lab import Lab
from bench.peers.peer import Peer
from headway_streamer.settings import PREFIX, Settings


class Headway(Peer):
    """Args: settings of the streamer by their names, beside its defaults."""

    name: ClassVar[str] = "headway"
    resumes: ClassVar[bool] = True

    def __init__(self, label: str = "", cores: set[int] | None = None, **settings: object) -> None:
        super().__init__(label, cores)
        self._settings = settings
        self._ops_port = procs.free_port(following=3)  # workers take one each

    def missing(self) -> str:
        unknown = [name for name in self._settings if name not in Settings.__struct_fields__]
        return f"this streamer has no setting {PREFIX}{unknown[0].upper()}" if unknown else ""

    def start(self, lab: Lab) -> None:
        settings = {
            "host": "127.0.0.1",
            "port": self.port,
            "ops_host": "127.0.0.1",
            "ops_port": self._ops_port,
            "log_level": "WARNING",
        } | self._settings
        environment = {PREFIX + name.upper(): str(value) for name, value in settings.items()}
        environment["HEADWAY_NATS_URL"] = f"nats://127.0.0.1:{lab.nats_port}"
        command = [sys.executable, "-m", "headway_streamer"]
        self.processes = [
            procs.Process(f"headway-{self.port}", command, lab.directory, cores=self.cores, environment=environment)
        ]

    def wait(self) -> None:
        self.processes[0].wait_for(self._ready)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._ops_port}/readyz", timeout=1) as reply:
                return reply.status == 200 and procs.listening(self.port)
        except (urllib.error.URLError, OSError):
            return False

    def path(self, task: str) -> str:
        return f"/api/v1/tasks/{task}/stream?from=latest&merge=0"

    def feed(self, lab: Lab) -> dict[str, Any]:
        return {"feed": "jetstream", "port": lab.nats_port}
