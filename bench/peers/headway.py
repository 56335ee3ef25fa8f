"""Headway: the real streamer, started as users start it, on a real nats-server with JetStream in files.

Nothing is left out: routing, middleware, admission, metrics, tails, probes. Events are appended to the log as a
processor does it (`bench.harness.feeds.JetStream`) and come back over the republished subject: ingest from the broker
is part of every figure. Watchers ask for `merge=0`: every event, also for a watcher that is behind.
"""

from __future__ import annotations

import asyncio
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import nats

from bench.harness.process import free_port, listening
from bench.harness.testbed import Testbed
from bench.peers.peer import Peer
from headway.jetstream.provision import ensure_patiently
from headway.subjects import Names
from headway_streamer.access.settings import AccessSettings
from headway_streamer.settings import PREFIX, Settings


class Headway(Peer):
    """The streamer.

    Args:
        tree: folders to import the product from, instead of the installed one (`bench.compare`).
        settings: settings of the streamer by their names, beside its defaults.
    """

    name: ClassVar[str] = "headway"
    resumes: ClassVar[bool] = True

    def __init__(
        self, label: str = "", cores: set[int] | None = None, *, tree: Sequence[Path] = (), **settings: object
    ) -> None:
        super().__init__(label, cores)
        self._tree = tree
        self._settings = settings
        self._ops_port = free_port(following=3)  # workers take one each

    def missing(self) -> str:
        known = {*Settings.__struct_fields__, *AccessSettings.__struct_fields__}
        unknown = [name for name in self._settings if name not in known]
        return f"this streamer has no setting {PREFIX}{unknown[0].upper()}" if unknown else ""

    def start(self, testbed: Testbed) -> None:
        asyncio.run(_provision(testbed.nats_port))
        settings = {
            "host": "127.0.0.1",
            "port": self.port,
            "ops_host": "127.0.0.1",
            "ops_port": self._ops_port,
            "log_level": "WARNING",
        } | self._settings
        environment = {PREFIX + name.upper(): str(value) for name, value in settings.items()}
        environment["HEADWAY_NATS_URL"] = f"nats://127.0.0.1:{testbed.nats_port}"
        if self._tree:
            environment["PYTHONPATH"] = os.pathsep.join(map(str, self._tree))
        self.launch(testbed, f"headway-{self.port}", [sys.executable, "-m", "headway_streamer"], environment)

    def wait(self) -> None:
        self.processes[0].wait_for(self._ready)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._ops_port}/readyz", timeout=1) as reply:
                return reply.status == 200 and listening(self.port)
        except (urllib.error.URLError, OSError):
            return False

    def path(self, task: str) -> str:
        return f"/api/v1/tasks/{task}/stream?from=latest&merge=0"

    def feed(self, testbed: Testbed) -> dict[str, Any]:
        return {"feed": "jetstream", "port": testbed.nats_port}


async def _provision(port: int) -> None:
    """Create the streams, as the first processor does it: here runs none."""
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    try:
        await ensure_patiently(client.jetstream(), Names())
    finally:
        await client.close()
