"""Cookies of sign-ins. The prefix `__Host-` binds each to this host, to all of its paths, and to https."""

from __future__ import annotations

import math
import time

from litestar.datastructures import Cookie

from headway_streamer.access.code_flow import Attempt
from headway_streamer.access.credentials import COOKIE
from headway_streamer.http.requests import AnyRequest

ATTEMPT = "__Host-headway-sign-in"
ATTEMPT_SECONDS = 600
MAX_CHARS = 4096 - len(COOKIE)
"""Browsers keep no longer cookies (RFC 6265bis, section 5.6)."""


def session(token: str, expires: float) -> Cookie:
    """The cookie with an access token. Scripts cannot read it, and requests of other sites do not carry it."""
    life = None if math.isinf(expires) else max(0, int(expires - time.time()))
    return Cookie(COOKIE, "/", token, max_age=life, secure=True, httponly=True, samesite="strict")


def no_session() -> Cookie:
    """Removes the cookie with the access token."""
    return session("", 0)


def attempt(value: Attempt) -> Cookie:
    """The cookie of a sign-in that has begun. The provider's redirect carries it: a visit from another site."""
    return Cookie(ATTEMPT, "/", value.text, max_age=ATTEMPT_SECONDS, secure=True, httponly=True, samesite="lax")


def no_attempt() -> Cookie:
    """Removes the cookie of a sign-in: it works once."""
    return Cookie(ATTEMPT, "/", "", max_age=0, secure=True, httponly=True, samesite="lax")


def attempt_of(request: AnyRequest) -> Attempt | None:
    """The sign-in that this browser has begun."""
    return Attempt.parse(request.cookies.get(ATTEMPT, ""))
