"""Mercure (Go), if `mercure` is on PATH. Events are published by HTTP with a token, watchers are anonymous.

Its default transport keeps history in a database file; here it is the in-memory one (`local`): less work than
Headway's. https://mercure.rocks/docs/hub/config
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
from typing import Any, ClassVar

from bench.harness.testbed import Testbed
from bench.peers.peer import Peer

_KEY = "a-key-of-this-measurement-and-of-nothing-else"
_CONFIGURATION = """\
{{
  auto_https off
  admin off
  persist_config off
  log {{
    level ERROR
  }}
}}
http://127.0.0.1:{port} {{
  bind 127.0.0.1
  route {{
    mercure {{
      transport local
      publisher_jwt {key}
      subscriber_jwt {key}
      anonymous
      write_timeout 0s
    }}
    respond "Not Found" 404
  }}
}}
"""


class Mercure(Peer):
    """The Mercure hub."""

    name: ClassVar[str] = "mercure"

    def missing(self) -> str:
        return "" if shutil.which("mercure") else "mercure is not on PATH"

    def start(self, testbed: Testbed) -> None:
        configuration = testbed.directory / f"mercure-{self.port}.caddyfile"
        configuration.write_text(_CONFIGURATION.format(port=self.port, key=_KEY))
        command = [shutil.which("mercure") or "", "run", "--adapter", "caddyfile", "--config", str(configuration)]
        name, environment = f"mercure-{self.port}", {"GOMAXPROCS": str(len(self.cores))}
        self.launch(testbed, name, command, environment)

    def path(self, task: str) -> str:
        return f"/.well-known/mercure?topic={task}"

    def feed(self, testbed: Testbed) -> dict[str, Any]:
        return {
            "feed": "http",
            "port": self.port,
            "path": "/.well-known/mercure",
            "body": "topic=$task&data=$quoted",
            "headers": {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Bearer {_token()}"},
        }


def _token() -> str:
    head, claims = _part({"alg": "HS256", "typ": "JWT"}), _part({"mercure": {"publish": ["*"]}})
    signature = hmac.new(_KEY.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    return f"{head}.{claims}.{_base64(signature)}"


def _part(value: Any) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
