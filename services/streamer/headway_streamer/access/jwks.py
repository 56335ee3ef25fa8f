"""The keys of an issuer, read from its JWK set URL in the background (RFC 7517, OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from headway.errors import HeadwayError
from headway_streamer.access.keys import Key, StaticKeys, entries, some, usable
from headway_streamer.access.urls import is_confidential

REFRESH_SECONDS = 300.0
RETRY_SECONDS = 5.0
"""Interval of attempts while the issuer gives no keys."""
UNKNOWN_KID_SECONDS = 30.0
"""A token with an unknown `kid` may be signed by a new key: the set is read again, at most once in this time. Who asks
within it is not forgotten: it is read at its end."""

Fetch = Callable[[str], Awaitable[Any]]
"""Returns the JSON document at a URL. Raises FetchError."""

logger = logging.getLogger(__name__)


class FetchError(HeadwayError):
    """A document of the issuer could not be read."""


class IssuerKeys:
    """The keys of an issuer. The last ones that could be read stay valid while it cannot be reached.

    Args:
        url: of the JWK set, or of the discovery document, which names it.
        fetch: reads a document.
        discovery: whether `url` is that of the discovery document.
    """

    def __init__(self, url: str, fetch: Fetch, *, discovery: bool = False) -> None:
        self._url = url
        self._fetch = fetch
        self._discovery = discovery
        self._keys = StaticKeys(())
        self._kids: frozenset[str] = frozenset()
        self._known = False
        """Whether the keys were read once."""
        self._wanted = asyncio.Event()
        self._asked_at = float("-inf")
        """Loop time of the last reading that an unknown `kid` caused."""

    def find(self, algorithm: str, kid: str | None) -> Key | None:
        """The key that may verify a token. For an unknown `kid` the set is read again soon, for the next token."""
        if kid is not None and kid not in self._kids:
            if self._known:  # else it is on its way
                self._wanted.set()
            return None
        return self._keys.find(algorithm, kid)

    async def keep_fresh(self) -> None:
        """Read the keys now, then every five minutes, or sooner for an unknown `kid`. A root task."""
        loop = asyncio.get_running_loop()
        while True:
            self._wanted.clear()
            pause = REFRESH_SECONDS if await self._read() else RETRY_SECONDS
            try:
                async with asyncio.timeout(pause):
                    await self._wanted.wait()
                    await asyncio.sleep(self._asked_at + UNKNOWN_KID_SECONDS - loop.time())
            except TimeoutError:
                continue
            self._asked_at = loop.time()

    async def _read(self) -> bool:
        try:
            url = self._url
            if self._discovery:
                url = _jwks_uri(await self._fetch(url))
            keys = await _keys(await self._fetch(url))
        except (FetchError, ValueError) as error:
            logger.warning(
                "the keys of the issuer could not be read; the last ones stay valid",
                extra={"action": "issuer_keys_failed", "error": str(error), "known": len(self._kids)},
            )
            return False
        self._keys = StaticKeys(keys)
        self._kids = frozenset(key.kid for key in keys if key.kid)
        self._known = True
        return True


async def _keys(document: Any) -> list[Key]:
    """As `parse_keys`, but others run in between: a hundred keys take a third of a second if they are large."""
    found = []
    for entry in entries(document):
        found.append(usable(entry))
        await asyncio.sleep(0)
    return some(found)


def _jwks_uri(document: Any) -> str:
    uri = document.get("jwks_uri") if isinstance(document, dict) else None
    if not isinstance(uri, str) or not is_confidential(uri):
        raise ValueError("the discovery document names no jwks_uri with https")
    return uri
