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
    if tokens:
        cookies = []
    if len(bearer) + len(cookies) + len(tokens) > 1:
        raise UnauthenticatedError("several tokens")
    return Credentials(*("".join(found) for found in (bearer, cookies, tokens)))


def _tokens(query: bytes) -> list[str]:
    """Values of `token` in a query, as `parse_qsl` would find them, which decodes all the others too."""
    found = []
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if value and (name == b"token" or (b"%" in name and unquote_plus(name.decode("latin-1")) == "token")):
            found.append(unquote_plus(value.decode("latin-1")))
    return found


def _bearer(value: str) -> str:
    scheme, _, token = value.partition(" ")
    if scheme.lower() != SCHEME or not token.strip():
        raise UnauthenticatedError("not a bearer token")
    return token.strip()


def _cookies(value: str) -> list[str]:
    pairs = (pair.strip().partition("=") for pair in value.split(";"))
    return [text for name, _, text in pairs if name == COOKIE]
