"""The response to each error: problem details by exception."""

from __future__ import annotations

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from headway.errors import (
    InvalidNameError,
    MalformedEventError,
    NestedTooDeepError,
    StoreFullError,
    TooLargeError,
    UnavailableError,
)
from headway_streamer import audit
from headway_streamer.access.errors import ForbiddenError
from headway_streamer.http.authentication import forbidden
from headway_streamer.limits.limits import LimitedError
from headway_streamer.limits.stored import QuotaError
from headway_streamer.problems import (
    Problem,
    limited,
    malformed,
    not_found,
    over_quota,
    store_full,
    too_deep,
    too_large,
    unavailable,
)

_TITLES = {400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large"}

logger = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]


def _respond(problem: Problem) -> Response[bytes]:
    headers = {"Cache-Control": "no-store"} | problem.headers
    return Response(problem.body(), status_code=problem.status, media_type="application/problem+json", headers=headers)


def _on_unavailable(_: AnyRequest, error: UnavailableError) -> Response[bytes]:
    logger.warning("NATS did not answer a request", extra={"action": "unavailable", "error": str(error)})
    return _respond(unavailable())


def _on_forbidden(request: AnyRequest, error: ForbiddenError) -> Response[bytes]:
    audit.note(request.scope, "forbidden", scope=error.scope)
    return _respond(forbidden(error))


def _on_http(_: AnyRequest, error: HTTPException) -> Response[bytes]:
    faults = []
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        faults = [{"pointer": "/" + str(e.get("key", "")), "detail": str(e.get("message", ""))} for e in error.extra]
    title = _TITLES.get(error.status_code, "Error")
    headers = {k: v for k, v in (error.headers or {}).items() if k.lower() in ("allow", "retry-after")}
    return _respond(Problem(error.status_code, title, error.detail, errors=faults, headers=headers))


def _on_bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    logger.error("a request failed", exc_info=error, extra={"action": "request_failed", "path": request.url.path})
    return _respond(Problem(500, "Internal Server Error", "The failure was logged."))


HANDLERS: ExceptionHandlersMap = {
    Problem: lambda _, problem: _respond(problem),
    UnavailableError: _on_unavailable,
    StoreFullError: lambda _, error: _respond(store_full(error)),
    TooLargeError: lambda _, error: _respond(too_large(error)),
    NestedTooDeepError: lambda _, error: _respond(too_deep(error)),
    MalformedEventError: lambda *_: _respond(malformed()),  # logged where it was read, once
    QuotaError: lambda _, error: _respond(over_quota(str(error))),
    LimitedError: lambda _, error: _respond(limited(error.seconds)),
    ForbiddenError: _on_forbidden,
    InvalidNameError: lambda *_: _respond(not_found()),
    HTTPException: _on_http,
    Exception: _on_bug,
}
