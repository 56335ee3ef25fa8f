"""Sign-in by the authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9700)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.jwks import FetchError
from headway_streamer.access.provider import Provider
from headway_streamer.access.verifier import Verifier

MAX_EXCHANGES = 8
"""Codes that are exchanged at once: whoever reaches the streamer can make it ask the provider."""

Post = Callable[[str, Mapping[str, str], tuple[str, str] | None], Awaitable[Any]]
"""Sends a form, with credentials of HTTP Basic, and returns the JSON document of the answer. Raises FetchError."""


Cause = Literal["denied", "expired", "unreachable", "failed", "unusable", "large"]


class SignInError(Exception):
    """A sign-in has failed. `cause` is for the page; `reason` is for the log, and never text of a request."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason


class Client(msgspec.Struct, frozen=True):
    """The streamer as the provider knows it."""

    id: str
    redirect_uri: str
    secret: str = ""
    """Empty for a public client."""
    scopes: tuple[str, ...] = ("openid",)


class Attempt(NamedTuple):
    """A sign-in that has begun. The browser keeps it in a cookie, so that any streamer can finish it."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        """An attempt that cannot be guessed."""
        return cls(*(secrets.token_urlsafe(32) for _ in cls._fields))

    @classmethod
    def parse(cls, text: str) -> Attempt | None:
        """The attempt that `text` stands for, None if it is not one."""
        parts = text.split(".")
        return cls(*parts) if len(parts) == len(cls._fields) and all(parts) else None

    @property
    def text(self) -> str:
        """As the cookie holds it."""
        return ".".join(self)


class CodeFlow:
    """Leads a browser to the provider and back.

    Args:
        client: at the provider.
        provider: its endpoints.
        verifier: of ID tokens.
        post: sends the code to the provider.
    """

    def __init__(self, client: Client, provider: Provider, verifier: Verifier, post: Post) -> None:
        self._client = client
        self._provider = provider
        self._verifier = verifier
        self._post = post
        self._exchanges = asyncio.Semaphore(MAX_EXCHANGES)

    async def begin(self, attempt: Attempt) -> str:
        """The URL at which the person signs in. Raises SignInError."""
        try:
            endpoint = (await self._provider.endpoints()).authorization
        except FetchError as error:
            raise SignInError("unreachable", str(error)) from error
        query = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect_uri,
            "scope": " ".join(self._client.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def finish(self, attempt: Attempt | None, answer: Mapping[str, str]) -> str:
        """The access token for the code in `answer`, the query of the callback. Raises SignInError."""
        if attempt is None or not hmac.compare_digest(attempt.state.encode(), answer.get("state", "").encode()):
            raise SignInError("expired", "the callback belongs to no sign-in of this browser")
        if answer.get("iss", self._provider.issuer) != self._provider.issuer:
            raise SignInError("failed", "the callback is of another issuer")  # RFC 9207
        if error := answer.get("error", ""):
            raise SignInError("denied" if error == "access_denied" else "failed", "the provider refused the sign-in")
        tokens = await self._exchange(answer.get("code", ""), attempt.verifier)
        self._check_id_token(tokens, attempt.nonce)
        token = tokens.get("access_token")
        if not isinstance(token, str):
            raise SignInError("failed", "the provider sent no access token")
        return token

    async def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        client = self._client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "client_id": client.id,
            "code_verifier": verifier,
        }
        # Encoded before HTTP Basic joins them (RFC 6749, section 2.3.1).
        basic = (quote(client.id, safe=""), quote(client.secret, safe="")) if client.secret else None
        try:
            async with self._exchanges:
                answer = await self._post((await self._provider.endpoints()).token, form, basic)
        except FetchError as error:
            raise SignInError("failed", str(error)) from error
        if not isinstance(answer, dict):
            raise SignInError("failed", "the provider did not answer an object")
        return answer

    def _check_id_token(self, tokens: Mapping[str, Any], nonce: str) -> None:
        """The nonce shows that the code was issued for this browser."""
        token = tokens.get("id_token")
        try:
            claims = self._verifier.claims(token if isinstance(token, str) else "")
        except UnauthenticatedError as error:
            raise SignInError("failed", f"the ID token is not valid: {error.reason}") from error
        if claims.get("nonce") != nonce:
            raise SignInError("failed", "the ID token is that of another sign-in")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
