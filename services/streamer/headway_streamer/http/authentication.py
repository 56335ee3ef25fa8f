"""The second layer of the application: who a request is from. Handlers find the principal in the ASGI scope."""

from __future__ import annotations

from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

from headway_streamer import audit
from headway_streamer.access.access import Access
from headway_streamer.access.authenticators import Caller
from headway_streamer.access.credentials import credentials, without_tokens
from headway_streamer.access.errors import ForbiddenError, UnauthenticatedError
from headway_streamer.access.principal import EVERYBODY, PRINCIPAL, Principal
from headway_streamer.api.operations import PROTECTED
from headway_streamer.http.event_stream import HEADERS
from headway_streamer.http.security_headers import problem_headers
from headway_streamer.problems import Problem, unavailable
from headway_streamer.watch.admission import rejection

STREAM = "/stream"
"""What paths of streams end with."""
STARTING = "/api/v1/process/"
"""What paths of streams begin with that start a task."""
START_KEY = "headway.start_key"
"""Key of the scope: the idempotency key of a start token."""


class Authentication:
    """An ASGI application that answers 401 to requests without valid credentials, and passes on the others."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        fields: dict[str, Any] = scope  # type: ignore[assignment]
        if self._access.open:
            fields[PRINCIPAL] = EVERYBODY
        elif scope["path"].startswith(PROTECTED):
            if not self._access.ready:
                await (_postpone(send) if _reads_stream(fields) else _refuse(send, unavailable()))
                return
            try:
                fields[PRINCIPAL] = self._principal(fields)
            except UnauthenticatedError as error:
                audit.note(fields, "unauthenticated", reason=error.reason)
                await _refuse(send, unauthenticated())
                return
        await self._app(scope, receive, send)

    def _principal(self, scope: dict[str, Any]) -> Principal:
        found = credentials(scope["headers"], scope["query_string"])
        if found.query:
            principal = self._principal_of_query(scope, found.query)
            scope["query_string"] = without_tokens(scope["query_string"])
            return principal
        peer = scope.get("client") or ("",)
        return self._access.principal(Caller(found, scope["headers"], peer[0]))

    def _principal_of_query(self, scope: dict[str, Any], token: str) -> Principal:
        if not _reads_stream(scope):
            raise UnauthenticatedError("a token in the query is for streams only")
        if not scope["path"].startswith(STARTING):
            return self._access.stream_principal(token)
        start = self._access.start(token)
        scope[START_KEY] = start.key
        return start.principal


def _reads_stream(scope: dict[str, Any]) -> bool:
    return scope["method"] in ("GET", "HEAD") and scope["path"].endswith(STREAM)


async def _postpone(send: Send) -> None:
    """A stream that ends at once: an EventSource would not reconnect after an error status."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": rejection("unavailable").farewell, "more_body": False})


async def _refuse(send: Send, problem: Problem) -> None:
    body = problem.body()
    headers = problem_headers(problem, len(body))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def unauthenticated() -> Problem:
    """401, the same whatever was wrong with the credentials."""
    return Problem(
        401,
        "Unauthorized",
        "Send a valid token: `Authorization: Bearer …`.",
        headers={"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"},
    )


def principal_of(scope: Any) -> Principal:
    """The principal of a request. Raises KeyError for a path that is not protected."""
    found: Principal = scope[PRINCIPAL]
    return found


def authorise(scope: Any, action: str) -> Principal:
    """The principal of a request that may do `action`. Raises ForbiddenError."""
    found = principal_of(scope)
    if not found.may(action):
        raise ForbiddenError(action)
    return found


def forbidden(error: ForbiddenError) -> Problem:
    """403: the token is valid, but not for this (RFC 6750, section 3.1)."""
    challenge = f'Bearer error="insufficient_scope", scope="{error.scope}"'
    return Problem(403, "Forbidden", f"This needs the scope {error.scope}.", headers={"WWW-Authenticate": challenge})
