"""Where a request may carry a token: the Authorization header, a cookie, and the query of a stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote_plus

from headway_streamer.access.errors import UnauthenticatedError

COOKIE = "__Host-headway"
"""The prefix makes browsers refuse the cookie from other hosts, paths and plain http (RFC 6265bis, section 4.1.3.2)."""
SCHEME = "bearer"


class Credentials(NamedTuple):
    """What a request carries: at most one of the three is not empty."""

    bearer: str = ""
    cookie: str = ""
    query: str = ""


def credentials(headers: Iterable[tuple[bytes, bytes]], query: bytes) -> Credentials:
    """Find the token of a request. Raises UnauthenticatedError for several, and for another scheme (RFC 6750).

    A token in the query takes the place of the cookie: the browser adds that to every stream of its origin.
    """
    bearer: list[str] = []
    cookies: list[str] = []
    for name, value in headers:
        if name == b"authorization":
            bearer.append(_bearer(value.decode("latin-1")))
        elif name == b"cookie":
            cookies += _cookies(value.decode("latin-1"))
    tokens = _tokens(query) if b"token" in query else []
    if len(bearer) + len(tokens or cookies) > 1:
        raise UnauthenticatedError("several tokens")
    if tokens:
        return Credentials(query=tokens[0])
    return Credentials(bearer[0] if bearer else "", cookies[0] if cookies else "")


def _tokens(query: bytes) -> list[str]:
    """Values of `token` in a query, as `parse_qsl` would find them, which decodes all the others too."""
    values = [pair.partition(b"=")[2] for pair in query.split(b"&") if _is_token(pair)]
    return [unquote_plus(value.decode("latin-1")) for value in values if value]


def without_tokens(query: bytes) -> bytes:
    """The query without its tokens: nothing that reads it after the authentication can show them."""
    return b"&".join([pair for pair in query.split(b"&") if not _is_token(pair)])


def _is_token(pair: bytes) -> bool:
    if pair.startswith(b"token="):
        return True
    name = pair.partition(b"=")[0]
    return name == b"token" or (b"%" in name and unquote_plus(name.decode("latin-1")) == "token")


def _bearer(value: str) -> str:
    scheme, _, token = value.partition(" ")
    if scheme.lower() != SCHEME or not token.strip():
        raise UnauthenticatedError("not a bearer token")
    return token.strip()


def _cookies(value: str) -> list[str]:
    pairs = (pair.strip().partition("=") for pair in value.split(";"))
    return [text for name, _, text in pairs if name == COOKIE]
