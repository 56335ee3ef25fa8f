"""Base of the Python peers: an application under `bench.peers.apps` in one uvicorn process with uvloop and httptools,
fed by a plain NATS subscription (no storage, no chain: less work than Headway's ingest).
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any, ClassVar

from bench.harness.testbed import Testbed
from bench.peers.peer import Peer

ROOT = Path(__file__).parents[2]


class AsgiPeer(Peer):
    """A module of `bench.peers.apps`."""

    app: ClassVar[str]
    needs: ClassVar[dict[str, str]]
    """Required modules, with their distributions."""

    def missing(self) -> str:
        absent = [package for module, package in self.needs.items() if importlib.util.find_spec(module) is None]
        return f"{' and '.join(absent)} not installed (pip install -r requirements/bench.lock)" if absent else ""

    def start(self, testbed: Testbed) -> None:
        command = [sys.executable, "-m", f"bench.peers.apps.{self.app}", str(self.port), str(testbed.nats_port)]
        name, environment = f"{self.app}-{self.port}", {"PYTHONPATH": str(ROOT)}
        self.launch(testbed, name, command, environment)

    def path(self, task: str) -> str:
        return f"/stream/{task}"

    def feed(self, testbed: Testbed) -> dict[str, Any]:
        return {"feed": "core", "port": testbed.nats_port}
