"""Where an OpenID Connect provider takes requests, as its discovery document says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from headway_streamer.access.jwks import Fetch, FetchError
from headway_streamer.access.urls import is_confidential

DISCOVERY_PATH = "/.well-known/openid-configuration"
KEEP_SECONDS = 300.0
RETRY_SECONDS = 5.0
"""How long the document is not asked for again after a failure."""


class Endpoints(NamedTuple):
    """URLs of a provider."""

    authorization: str
    token: str


class Provider:
    """Reads the discovery document of `issuer` when somebody signs in, once for all who do so within five minutes."""

    def __init__(self, issuer: str, fetch: Fetch, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._found: Endpoints | None = None
        self._next = float("-inf")
        """When the document is read again."""

    async def endpoints(self) -> Endpoints:
        """The endpoints. The last ones stay valid while the provider cannot be reached. Raises FetchError."""
        async with self._lock:
            if self._clock() >= self._next:
                self._next = self._clock() + RETRY_SECONDS
                await self._read()
        if self._found is None:
            raise FetchError(f"the discovery document of {self.issuer} could not be read")
        return self._found

    async def _read(self) -> None:
        try:
            document = await self._fetch(self.issuer.rstrip("/") + DISCOVERY_PATH)
        except FetchError:
            if self._found is None:
                raise
            return
        self._found = _endpoints(document, self.issuer)
        self._next = self._clock() + KEEP_SECONDS


def _endpoints(document: Any, issuer: str) -> Endpoints:
    """Raises FetchError for a document of another issuer (OpenID Connect Discovery 1.0, section 4.3)."""
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise FetchError(f"the discovery document is not that of {issuer}")
    found = [str(document.get(f"{name}_endpoint")) for name in Endpoints._fields]
    if not all(map(is_confidential, found)):
        raise FetchError(f"the discovery document of {issuer} names no endpoints with https")
    return Endpoints(*found)
