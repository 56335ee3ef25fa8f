"""The ops port: /livez, /readyz and /metrics. Never on the public one."""

from __future__ import annotations

from collections.abc import Callable

from litestar.types import Receive, Scope, Send

from headway_streamer.core import Core

PLAIN = "text/plain; charset=utf-8"


class Ops:
    """A small ASGI application. Liveness stays green while NATS is away: a restart would not bring it back."""

    def __init__(self, core: Core, listening: Callable[[], bool]) -> None:
        self._core = core
        self._listening = listening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        status, type, body = self._answer(scope["path"])
        headers = [(b"content-type", type.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        core = self._core
        if path == "/livez":
            return 200, PLAIN, b"ok\n"
        if path == "/readyz":
            return (
                (200, PLAIN, b"ok\n") if core.serving and self._listening() else (503, PLAIN, self._why_not().encode())
            )
        if path == "/metrics":
            return 200, core.metrics.content_type, core.metrics.exposition()
        return 404, PLAIN, b"/livez /readyz /metrics\n"

    def _why_not(self) -> str:
        if self._core.drain.draining:
            return "draining\n"
        return "NATS is away\n" if not self._core.connection.connected else "preparing\n"
