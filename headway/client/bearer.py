"""The token that goes with each request of a client."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

import httpx

Token: TypeAlias = str | Callable[[], str]
"""A token, or what returns the current one: it is called for each request, also when a stream reconnects."""


class BearerAuth(httpx.Auth):
    """Sends a token in the Authorization header (RFC 6750). An empty one is not sent."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header to a request."""
        token = self._token() if callable(self._token) else self._token
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        yield request
