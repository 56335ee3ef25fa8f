"""Short-lived tokens that streamers sign for themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from joserfc import jwt

from headway_streamer.access.keys import StaticKeys, secret_key
from headway_streamer.access.verifier import Requirements, Verifier

LIFE_SECONDS = 300.0
ISSUER = "headway"
ALGORITHM = "HS256"


class Minter:
    """Signs and verifies tokens of one type.

    Args:
        type: the `typ` of the tokens. It tells them from others, also where the secret is the same (RFC 8725, section
            3.11).
        secrets: the first signs, each verifies: a new one is put in front, and the old one removed minutes later.
            All streamers need the same. Raises SettingsError if one is too short.
    """

    def __init__(self, type: str, secrets: Sequence[str], *, clock: Callable[[], float] = time.time) -> None:
        self._type = type
        self._clock = clock
        self._keys = [secret_key(secret, secret_key(secret).thumbprint()) for secret in secrets]
        requirements = Requirements(issuer=ISSUER, audience=type, algorithms=(ALGORITHM,), types=(type,))
        self._verifier = Verifier(StaticKeys(self._keys), requirements, clock=clock)

    def mint(self, claims: dict[str, Any], latest: float) -> str:
        """A token with `claims` that expires in five minutes, or at `latest` (seconds since 1970) if that is sooner."""
        expires = min(self._clock() + LIFE_SECONDS, latest)
        header = {"alg": ALGORITHM, "typ": self._type, "kid": self._keys[0].kid}
        return jwt.encode(header, {"iss": ISSUER, "aud": self._type, "exp": int(expires)} | claims, self._keys[0])

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a token. Raises UnauthenticatedError."""
        return self._verifier.claims(token)
