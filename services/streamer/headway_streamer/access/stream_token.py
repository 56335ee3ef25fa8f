"""Stream tokens: for the query of an EventSource, which can send no header. Minutes of life, bound to tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from headway.ids import nonce
from headway_streamer.access.minter import Claims, Minter
from headway_streamer.access.principal import ALL, READ, Principal
from headway_streamer.access.signing_keys import SigningKeys

TYPE = "headway-stream+jwt"
_OWN, _ALL = frozenset((READ,)), frozenset((READ, ALL))


class StreamClaims(Claims, kw_only=True):
    """What a stream token says."""

    tasks: list[str]
    all: bool
    """Whether the tasks may be of others in the tenant."""


class StreamTokens:
    """Mints and reads stream tokens. For `keys` see `Minter`."""

    def __init__(self, keys: SigningKeys, *, clock: Callable[[], float] = time.time) -> None:
        self._minter = Minter(TYPE, StreamClaims, keys, clock=clock)

    def mint(self, principal: Principal, tasks: Iterable[str]) -> str:
        """A token that reads the events of `tasks` as `principal`, and never longer than its own token."""
        claims = StreamClaims(
            sub=principal.owner,
            tenant=principal.tenant,
            jti=nonce() + nonce(),
            tasks=list(tasks),
            all=ALL in principal.scopes,
            of=principal.tokens,
            issued=principal.issued,
        )
        return self._minter.mint(claims, principal.expires)

    def principal(self, token: str) -> Principal:
        """The principal of `token`, who may only read the tasks that it is bound to. Raises UnauthenticatedError."""
        claims = self._minter.claims(token)
        return Principal(
            claims.sub,
            claims.tenant,
            _ALL if claims.all else _OWN,
            claims.exp,
            (claims.jti, *claims.of),
            claims.issued,
            frozenset(claims.tasks),
        )
