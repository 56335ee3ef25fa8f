"""Centrifugo 6 (Go), if `centrifugo` is on PATH. Its unidirectional SSE transport, engine in memory, no history;
events are published by its HTTP API. https://centrifugal.dev/docs/transports/uni_sse
"""

from __future__ import annotations

import json
import shutil
from typing import Any, ClassVar
from urllib.parse import quote

from bench.harness.testbed import Testbed
from bench.peers.peer import Peer

_KEY = "a-key-of-this-measurement-and-of-nothing-else"


class Centrifugo(Peer):
    """Centrifugo."""

    name: ClassVar[str] = "centrifugo"

    def missing(self) -> str:
        return "" if shutil.which("centrifugo") else "centrifugo is not on PATH"

    def start(self, testbed: Testbed) -> None:
        configuration = testbed.directory / f"centrifugo-{self.port}.json"
        configuration.write_text(json.dumps(self._configuration()))
        command = [shutil.which("centrifugo") or "", "--config", str(configuration)]
        name, environment = f"centrifugo-{self.port}", {"GOMAXPROCS": str(len(self.cores))}
        self.launch(testbed, name, command, environment)

    def _configuration(self) -> dict[str, Any]:
        return {
            "http_server": {"address": "127.0.0.1", "port": self.port},
            "log": {"level": "error"},
            "http_api": {"key": _KEY},
            "uni_sse": {"enabled": True},
            "client": {"insecure": True, "allow_anonymous_connect_without_token": True},
            "channel": {
                "without_namespace": {"allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True}
            },
        }

    def path(self, task: str) -> str:
        return f"/connection/uni_sse?cf_connect={quote(json.dumps({'subs': {task: {}}}))}"

    def feed(self, testbed: Testbed) -> dict[str, Any]:
        return {
            "feed": "http",
            "port": self.port,
            "path": "/api/publish",
            "body": '{"channel":"$task","data":$payload}',
            "headers": {"X-API-Key": _KEY},
        }
