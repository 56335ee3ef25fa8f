"""Start tokens: for the query of a request that starts a task of one kind and streams it, once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from headway.ids import nonce
from headway_streamer.access.minter import Claims, Minter
from headway_streamer.access.principal import KINDS, READ, SUBMIT, Principal
from headway_streamer.access.signing_keys import SigningKeys

TYPE = "headway-start+jwt"


class StartClaims(Claims, kw_only=True):
    """What a start token says."""

    kind: str


class Start(NamedTuple):
    """What a start token allows."""

    principal: Principal
    """May submit tasks of one kind, and read."""
    key: str
    """Idempotency key of the task: the same token finds the task again that it has started."""


class StartTokens:
    """Mints and reads start tokens. For `keys` see `Minter`."""

    def __init__(self, keys: SigningKeys, *, clock: Callable[[], float] = time.time) -> None:
        self._minter = Minter(TYPE, StartClaims, keys, clock=clock)

    def mint(self, principal: Principal, kind: str) -> str:
        """A token that starts one task of `kind` as `principal`, and no later than its own token expires."""
        claims = StartClaims(
            sub=principal.owner,
            tenant=principal.tenant,
            kind=kind,
            jti=nonce() + nonce(),
            of=principal.tokens,
            issued=principal.issued,
        )
        return self._minter.mint(claims, principal.expires)

    def read(self, token: str) -> Start:
        """What `token` allows. Raises UnauthenticatedError."""
        claims = self._minter.claims(token)
        principal = Principal(
            owner=claims.sub,
            tenant=claims.tenant,
            scopes=frozenset((SUBMIT, READ, KINDS + claims.kind)),
            expires=claims.exp,
            tokens=(claims.jti, *claims.of),
            issued=claims.issued,
        )
        return Start(principal, f"start-token {claims.jti}")
