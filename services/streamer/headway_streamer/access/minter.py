"""Short-lived tokens that streamers sign for themselves: JSON Web Tokens with HMAC-SHA256 (RFC 7515, RFC 7518).

They are read by every new stream, and a tenth of what a general library needs suffices: of all tokens only those are
read whose header is, letter for letter, one that a streamer writes.
"""

from __future__ import annotations

import binascii
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec
from joserfc.jwk import OctKey

from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.signing_keys import ALGORITHM, SigningKeys
from headway_streamer.access.verifier import MAX_TOKEN_CHARS

LIFE_SECONDS = 300.0
MAX_KIDS = 7
"""Headers that are kept beside the newest: there are about three keys at a time."""


class Claims(msgspec.Struct, kw_only=True):
    """What tokens of all types say."""

    sub: str
    """The owner."""
    tenant: str
    jti: str
    of: tuple[str, ...]
    """Ids of the tokens that it was minted with."""
    issued: float
    """Seconds since 1970 at which the first of them was issued."""
    exp: int = 0
    """Seconds since 1970. Set by the minter."""


C = TypeVar("C", bound=Claims)


class _Header(msgspec.Struct):
    kid: str


class Minter(Generic[C]):
    """Signs and verifies tokens of one type.

    Args:
        type: the `typ` of the tokens. It tells them from others, also where the secret is the same (RFC 8725, section
            3.11).
        claims: the type of what they say.
        keys: sign and verify, the same for all streamers.
    """

    def __init__(
        self, type: str, claims: type[C], keys: SigningKeys, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._type = type
        self._decoder = msgspec.json.Decoder(claims)
        self._clock = clock
        self._keys = keys
        self._kids: dict[str, str] = {}
        """By the headers that were read and name a key."""

    def mint(self, claims: C, latest: float) -> str:
        """A token with `claims` that expires in five minutes, or at `latest` (seconds since 1970) if that is sooner.

        Raises UnavailableError before any key is known.
        """
        key = self._keys.current()
        claims.exp = int(min(self._clock() + LIFE_SECONDS, latest))
        signed = f"{self._header(key.kid or '')}.{_text(msgspec.json.encode(claims))}"
        return f"{signed}.{_signature(signed, key)}"

    def claims(self, token: str) -> C:
        """The claims of a token. Raises UnauthenticatedError."""
        signed, _, signature = token.rpartition(".")
        header, _, body = signed.partition(".")
        if len(token) > MAX_TOKEN_CHARS or not token.isascii() or "." in body:
            raise UnauthenticatedError("not a token")
        try:
            key = self._key(header)
            if not hmac.compare_digest(_signature(signed, key), signature):
                raise UnauthenticatedError("the signature is not of this key")
            claims = self._decoder.decode(_bytes(body))
            if not claims.exp > self._clock():
                raise UnauthenticatedError("the token has expired")
        except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnauthenticatedError(f"invalid token: {type(error).__name__}") from error
        return claims

    def _header(self, kid: str) -> str:
        return _text(msgspec.json.encode({"alg": ALGORITHM, "typ": self._type, "kid": kid}))

    def _key(self, header: str) -> OctKey:
        """The key that a header names. Raises UnauthenticatedError for one that no streamer has written."""
        kid = self._kids.get(header)
        if kid is None:
            kid = msgspec.json.decode(_bytes(header), type=_Header).kid
            if header != self._header(kid):
                raise UnauthenticatedError("not a token of this type")
        key = self._keys.find(ALGORITHM, kid)
        if not isinstance(key, OctKey):
            raise UnauthenticatedError("no key verifies the token")
        if header not in self._kids:
            self._kids = {header: kid, **dict(list(self._kids.items())[:MAX_KIDS])}
        return key


def _signature(signed: str, key: OctKey) -> str:
    return _text(hmac.digest(key.raw_value, signed.encode(), "sha256"))


def _text(data: bytes) -> str:
    """Base64url without padding, as in tokens."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
