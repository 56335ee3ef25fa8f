"""Short-lived tokens that streamers sign for themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from joserfc import jwt

from headway_streamer.access.signing_keys import ALGORITHM, SigningKeys
from headway_streamer.access.verifier import Requirements, Verifier

LIFE_SECONDS = 300.0
ISSUER = "headway"


class Minter:
    """Signs and verifies tokens of one type.

    Args:
        type: the `typ` of the tokens. It tells them from others, also where the secret is the same (RFC 8725, section
            3.11).
        keys: sign and verify, the same for all streamers.
    """

    def __init__(self, type: str, keys: SigningKeys, *, clock: Callable[[], float] = time.time) -> None:
        self._type = type
        self._clock = clock
        self._keys = keys
        requirements = Requirements(issuer=ISSUER, audience=type, algorithms=(ALGORITHM,), types=(type,))
        self._verifier = Verifier(keys, requirements, clock=clock)

    def mint(self, claims: dict[str, Any], latest: float) -> str:
        """A token with `claims` that expires in five minutes, or at `latest` (seconds since 1970) if that is sooner.

        Raises UnavailableError before any key is known.
        """
        key, expires = self._keys.current(), min(self._clock() + LIFE_SECONDS, latest)
        header = {"alg": ALGORITHM, "typ": self._type, "kid": key.kid}
        return jwt.encode(header, {"iss": ISSUER, "aud": self._type, "exp": int(expires)} | claims, key)

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a token. Raises UnauthenticatedError."""
        return self._verifier.claims(token)
