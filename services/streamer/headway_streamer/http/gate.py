"""The first layer of an application: which requests it takes at all, and the headers of every answer."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from headway_streamer.access.hosts import AllowedHosts, parse_host
from headway_streamer.access.origins import SAME, Origins
from headway_streamer.http.cors import permission, preflight
from headway_streamer.http.security_headers import Headers, problem_headers, secured
from headway_streamer.problems import Problem
from headway_streamer.settings import PREFIX

DECISIONS = 1024
"""How many decisions are kept: clients of one kind send the same headers."""
_SAFE = ("GET", "HEAD", "OPTIONS")


class Sender(NamedTuple):
    """Who sends a request and whereto, as its headers have it."""

    method: str
    host: bytes
    """Values of several Host headers are joined by a comma, which no host name contains. Empty if there is none."""
    origin: bytes = b""
    site: bytes = b""
    mode: bytes = b""
    destination: bytes = b""


class Decision(NamedTuple):
    """What becomes of a request."""

    problem: Problem | None = None
    permission: Headers | None = None
    """CORS headers for the page of a listed origin."""


class Gate:
    """An ASGI application that passes the requests it takes on to `app`, and answers the others itself.

    Args:
        hosts: names of this server.
        origins: pages that may use it.
        bare: whether HTTP/1.0 requests without a Host header are taken, as probes of proxies send them. Browsers
            always send one.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts, origins: Origins, *, bare: bool = False) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = origins
        self._bare = bare
        self._decide = lru_cache(DECISIONS)(self.decide)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        sender = _sender(scope)
        if not sender.host and self._bare and scope["http_version"] == "1.0":
            decision = Decision()
        else:
            decision = self._decide(sender)
        if decision.problem is not None:
            body = decision.problem.body()
            await _answer(send, decision.problem.status, problem_headers(decision.problem, len(body)), body)
        elif decision.permission is not None and _is_preflight(scope):
            await _answer(send, 204, preflight(sender.origin))
        else:
            await self._app(scope, receive, _sending(send, decision.permission or []))

    def decide(self, sender: Sender) -> Decision:
        """Whether a request is taken: it depends on nothing but its sender."""
        host = parse_host(sender.host.decode("latin-1"))
        if host is None:
            return Decision(Problem(400, "Bad Host", "Send one Host header, with the name of this server."))
        if host.name not in self._hosts:
            detail = f"This server does not answer to the name {host.name}: add it to {PREFIX}ALLOWED_HOSTS if it may."
            return Decision(Problem(421, "Misdirected Request", detail))
        site, origin = sender.site.decode("latin-1"), sender.origin.decode("latin-1")
        if not origin:
            foreign = bool(site) and site not in SAME and not _is_visit(sender)
            return Decision(_forbidden() if foreign else None)
        if not self._origins.allows(origin, site, host):
            return Decision(_forbidden())
        return Decision(permission=permission(sender.origin) if self._origins.lists(origin) else None)


def _sender(scope: Scope) -> Sender:
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            found[name] = found[name] + b"," + value if name in found else value
    return Sender(str(scope.get("method", "GET")), *(found.get(name, b"") for name in _READ))


_READ = {b"host": 0, b"origin": 1, b"sec-fetch-site": 2, b"sec-fetch-mode": 3, b"sec-fetch-dest": 4}
"""Headers that tell the sender, in the order of its fields."""


def _is_visit(sender: Sender) -> bool:
    """Whether a person follows a link of another site: its page does not see the answer."""
    return sender.method in _SAFE and sender.mode == b"navigate" and sender.destination == b"document"


def _is_preflight(scope: Scope) -> bool:
    asks = any(name == b"access-control-request-method" for name, _ in scope["headers"])
    return asks and scope.get("method") == "OPTIONS"


def _forbidden() -> Problem:
    return Problem(403, "Forbidden", f"Pages of other origins must be listed in {PREFIX}CORS_ORIGINS.")


def _sending(send: Send, permission: Headers) -> Send:
    async def send_secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = secured(message["headers"])  # type: ignore[arg-type] # a list, as all answers here have it
            message["headers"] = [*headers, *permission] if permission else headers
        await send(message)

    return send_secured


async def _answer(send: Send, status: int, headers: Headers, body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": secured(headers)})
    await send({"type": "http.response.body", "body": body, "more_body": False})
