"""Verifies JSON Web Tokens (RFC 7519, RFC 8725)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from headway_streamer.access.algorithms import EVERY_ALGORITHM
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.keys import KeySource

MAX_TOKEN_CHARS = 8 * 1024
LEEWAY_SECONDS = 30
"""By how much the issuer's clock may be ahead. The end of a token is exact: streams end at it."""
KNOWN_HEADERS = frozenset(("alg", "typ", "kid", "cty", "x5t", "x5t#S256"))
"""Header parameters that are read or harmless. `jwk`, `jku`, `x5u`, `x5c` name a key of the sender's choice."""


class Requirements(msgspec.Struct, frozen=True):
    """What a token must say."""

    issuer: str
    """Empty accepts any issuer; only for a shared secret, which has one."""
    audience: str
    algorithms: Collection[str] = EVERY_ALGORITHM
    types: Collection[str] = ("jwt", "at+jwt")
    """Accepted values of `typ`, in lower case (RFC 9068). A token may also have none."""
    max_seconds: float = math.inf
    """Longest life of a token: from its `iat`, or from now if it has none. A revocation is not kept for longer."""


class Verifier:
    """Returns the claims of valid tokens."""

    def __init__(self, keys: KeySource, requirements: Requirements, *, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._requirements = requirements
        self._clock = clock

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of `token`, validated. Raises UnauthenticatedError."""
        if len(token) > MAX_TOKEN_CHARS or not token.isascii() or token.count(".") != 2:
            raise UnauthenticatedError("not a token")
        try:
            header = extract_compact(token.encode()).headers()
            algorithm = self._check_header(header)
            key = self._keys.find(algorithm, header.get("kid"))
            if key is None:
                raise UnauthenticatedError("no key verifies the token")
            claims = jwt.decode(token, key, algorithms=[algorithm]).claims
            self._registry().validate(claims)
            now = self._clock()
            if claims["exp"] <= now:
                raise UnauthenticatedError("the token has expired")
            if not claims["exp"] - claims.get("iat", now) <= self._requirements.max_seconds:
                raise UnauthenticatedError("the token lives too long")
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise UnauthenticatedError(f"invalid token: {type(error).__name__}") from error
        return claims

    def _check_header(self, header: dict[str, Any]) -> str:
        algorithm, type, kid = header.get("alg"), header.get("typ", "jwt"), header.get("kid")
        if not header.keys() <= KNOWN_HEADERS:
            raise UnauthenticatedError("the header names what is not accepted")
        if not isinstance(algorithm, str) or algorithm not in self._requirements.algorithms:
            raise UnauthenticatedError("the algorithm is not accepted")
        if not isinstance(type, str) or type.lower().removeprefix("application/") not in self._requirements.types:
            raise UnauthenticatedError("the type of the token is not accepted")
        if kid is not None and not isinstance(kid, str):
            raise UnauthenticatedError("the id of the key is not text")
        return algorithm

    def _registry(self) -> jwt.JWTClaimsRegistry:
        wanted: dict[str, Any] = {
            "exp": {"essential": True},
            "aud": {"essential": True, "value": self._requirements.audience},
        }
        if self._requirements.issuer:
            wanted["iss"] = {"essential": True, "value": self._requirements.issuer}
        return jwt.JWTClaimsRegistry(now=int(self._clock()), leeway=LEEWAY_SECONDS, **wanted)
