"""The ops port: /livez, /readyz and /metrics. Never on the public one."""

from __future__ import annotations

from collections.abc import Callable

from litestar.types import Receive, Scope, Send

from headway_streamer.components import Components

PLAIN = "text/plain; charset=utf-8"


class Ops:
    """A small ASGI application. Neither liveness nor readiness depends on NATS once the streamer has been ready: a
    restart would not bring it back, and another replica has no other.
    """

    def __init__(self, core: Components, listening: Callable[[], bool]) -> None:
        self._core = core
        self._listening = listening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        status, type, body = self._answer(scope["path"], scope["query_string"])
        headers = [(b"content-type", type.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _answer(self, path: str, query: bytes) -> tuple[int, str, bytes]:
        core = self._core
        if path == "/livez":
            return 200, PLAIN, b"ok\n"
        if path == "/readyz":
            return self._readiness(verbose=query.startswith(b"verbose"))
        if path == "/metrics":
            return 200, core.metrics.content_type, core.metrics.exposition()
        return 404, PLAIN, b"/livez /readyz /readyz?verbose /metrics\n"

    def _readiness(self, *, verbose: bool) -> tuple[int, str, bytes]:
        ready = self._core.serving and self._listening()
        text = self._details() if verbose else "ok\n" if ready else self._why_not()
        return 200 if ready else 503, PLAIN, text.encode()

    def _why_not(self) -> str:
        return "draining\n" if self._core.drain.draining else "preparing: no connection to NATS yet\n"

    def _details(self) -> str:
        core = self._core
        return (
            f"nats connected: {core.connection.state}\n"
            f"incarnation known: {_yes(core.ready)}\n"
            f"draining: {_yes(core.drain.draining)}\n"
            f"streams: {core.streams.count}\n"
        )


def _yes(value: bool) -> str:
    return "yes" if value else "no"
