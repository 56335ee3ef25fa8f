"""The application of the ops port: /livez, /readyz and /metrics. Never served on the public port."""

from __future__ import annotations

from collections.abc import Callable

from litestar.types import Receive, Scope, Send

from headway_streamer.http.security_headers import Headers, problem_headers
from headway_streamer.metrics import Metrics
from headway_streamer.problems import Problem
from headway_streamer.watch.drain import Drain

PLAIN = "text/plain; charset=utf-8"
PATHS = ("/livez", "/readyz", "/metrics")
ALLOWED = "GET, OPTIONS"


class Ops:
    """A small ASGI application. Probes are answered in plain text, also with 503; errors are problems.

    Neither liveness nor readiness depends on NATS once the log was found: a restart would not bring NATS back. All
    replicas share it, so a proxy would reject the clients of all of them, and a native EventSource never returns after
    that; a streamer answers them with a `retry:`.

    Args:
        listening: whether the public port is open.
        prepared: whether the event stream was found once, and what access control needs was read.
        nats_state: the connection's state, as a text.
        streams: how many streams are open.
    """

    def __init__(
        self,
        metrics: Metrics,
        drain: Drain,
        *,
        listening: Callable[[], bool],
        prepared: Callable[[], bool],
        nats_state: Callable[[], str],
        streams: Callable[[], int],
    ) -> None:
        self._metrics = metrics
        self._drain = drain
        self._listening = listening
        self._prepared = prepared
        self._nats_state = nats_state
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = str(scope.get("method", "GET"))
        if scope["path"] not in PATHS:
            status, headers, body = _problem(Problem(404, "Not Found", f"There are {', '.join(PATHS)}."))
        elif method == "OPTIONS":
            status, headers, body = 204, [(b"allow", ALLOWED.encode())], b""
        elif method != "GET":
            status, headers, body = _problem(Problem(405, "Method Not Allowed", headers={"Allow": ALLOWED}))
        else:
            status, type, body = self._answer(scope["path"], scope["query_string"])
            headers = [(b"content-type", type.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _answer(self, path: str, query: bytes) -> tuple[int, str, bytes]:
        if path == "/livez":
            return 200, PLAIN, b"ok\n"
        if path == "/readyz":
            return self._readiness(verbose=query.startswith(b"verbose"))
        return 200, self._metrics.content_type, self._metrics.exposition()

    def _readiness(self, *, verbose: bool) -> tuple[int, str, bytes]:
        ready = self._prepared() and not self._drain.draining and self._listening()
        text = self._details() if verbose else "ok\n" if ready else self._why_not()
        return 200 if ready else 503, PLAIN, text.encode()

    def _why_not(self) -> str:
        return "draining\n" if self._drain.draining else "preparing: no connection to NATS yet\n"

    def _details(self) -> str:
        return (
            f"nats connected: {self._nats_state()}\n"
            f"prepared: {_yes(self._prepared())}\n"
            f"draining: {_yes(self._drain.draining)}\n"
            f"streams: {self._streams()}\n"
        )


def _problem(problem: Problem) -> tuple[int, Headers, bytes]:
    body = problem.body()
    return problem.status, problem_headers(problem, len(body)), body


def _yes(value: bool) -> str:
    return "yes" if value else "no"
