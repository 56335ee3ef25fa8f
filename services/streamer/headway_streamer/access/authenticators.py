"""The modes of access control: how a request becomes a principal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from headway_streamer.access.addresses import Network, Networks
from headway_streamer.access.claims import ClaimNames, principal
from headway_streamer.access.credentials import Credentials
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.principal import EVERYBODY, Principal
from headway_streamer.access.verifier import Verifier

RawHeaders = Iterable[tuple[bytes, bytes]]


class Caller(NamedTuple):
    """What is known of who sends a request."""

    credentials: Credentials
    headers: RawHeaders
    peer: str
    """IP address of the connection's other end; empty if unknown."""


class Authenticator(Protocol):
    """A mode of access control."""

    def principal(self, caller: Caller) -> Principal:
        """Return the principal of a request. Raises UnauthenticatedError."""
        ...


class NoAuthentication:
    """The mode `none`: everybody may do everything."""

    def principal(self, caller: Caller) -> Principal:
        """Return EVERYBODY."""
        return EVERYBODY


class TokenAuthentication:
    """The mode `jwt`: a JSON Web Token in the Authorization header or a cookie."""

    def __init__(self, verifier: Verifier, names: ClaimNames, default: Iterable[str] = ()) -> None:
        self._verifier = verifier
        self._names = names
        self._default = frozenset(default)

    def principal(self, caller: Caller) -> Principal:
        """Return the principal that the token describes. Raises UnauthenticatedError."""
        token = caller.credentials.bearer or caller.credentials.cookie
        if not token:
            raise UnauthenticatedError("no token")
        found = principal(self._verifier.claims(token), self._names, token)
        return found._replace(scopes=found.scopes | self._default)


class ForwardNames(NamedTuple):
    """Names of the headers in which a gateway passes what it knows, in lower case."""

    owner: bytes
    tenant: bytes = b""
    """Empty if all owners belong to one tenant."""
    scopes: bytes = b""
    """Empty if everybody whom the gateway lets through has the default scopes."""


class ForwardedIdentity:
    """The mode `forward`: a gateway has authenticated the caller and names them in headers.

    Args:
        peers: networks of the gateway. From any other address nothing is believed.
        names: of the headers.
        default: scopes of everybody, beside those of the header.
    """

    def __init__(self, peers: Sequence[Network], names: ForwardNames, default: Iterable[str]) -> None:
        self._peers = Networks(peers)
        self._names = names
        self._default = frozenset(default)

    def principal(self, caller: Caller) -> Principal:
        """Return the principal that the gateway names. Raises UnauthenticatedError."""
        if caller.peer not in self._peers:
            raise UnauthenticatedError("not from a trusted gateway")
        names = self._names
        found: dict[str, object] = {"exp": float("inf"), "iat": time.time()}
        found["owner"] = _only(caller.headers, names.owner)
        if names.tenant:
            found["tenant"] = _only(caller.headers, names.tenant)
        if names.scopes:
            found["scopes"] = _only(caller.headers, names.scopes)
        named = principal(found, ClaimNames(owner="owner", tenant="tenant" if names.tenant else "", scopes="scopes"))
        return named._replace(scopes=named.scopes | self._default)


def _only(headers: RawHeaders, name: bytes) -> str:
    """The value of a header. Raises UnauthenticatedError unless it is there once: a client may have sent another."""
    values = [value for key, value in headers if key == name]
    if len(values) != 1:
        raise UnauthenticatedError("a header of the gateway is missing or there twice")
    return values[0].decode("latin-1")
