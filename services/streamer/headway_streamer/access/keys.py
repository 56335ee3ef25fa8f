"""Keys that verify tokens, and which of them a token may be verified with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OctKey, OKPKey, RSAKey

from headway.errors import SettingsError
from headway_streamer.access.algorithms import ALGORITHMS, CURVES

Key: TypeAlias = OctKey | RSAKey | ECKey | OKPKey

MIN_SECRET_BYTES = 32
"""RFC 7518, section 3.2: at least as long as the hash of HS256."""
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 16_384
"""Verifying takes longer with the square of it."""
MAX_KEYS = 100


class KeySource(Protocol):
    """Where keys come from."""

    def find(self, algorithm: str, kid: str | None) -> Key | None:
        """The one key that may verify a token with this `alg` and `kid`, if there is one."""
        ...


class StaticKeys:
    """Keys that do not change while the process runs."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = list(keys)

    def find(self, algorithm: str, kid: str | None) -> Key | None:
        """The only key that fits: of that name, or without a name. None if there are several."""
        fitting = [key for key in self._keys if fits(key, algorithm) and (kid is None or key.kid in (None, kid))]
        return fitting[0] if len(fitting) == 1 else None


def fits(key: Key, algorithm: str) -> bool:
    """Whether `key` is made for verifying signatures by `algorithm`."""
    if algorithm not in ALGORITHMS.get(key.key_type, ()):
        return False
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return False
    if algorithm in CURVES:
        return bool(key.get("crv") == CURVES[algorithm])
    return key.key_type != "OKP" or key.get("crv") in ("Ed25519", "Ed448")


def secret_key(secret: str, kid: str | None = None) -> OctKey:
    """The key of a shared secret. Raises SettingsError if it is short."""
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise SettingsError(f"the secret for tokens must have at least {MIN_SECRET_BYTES} bytes")
    return OctKey.import_key(secret, {"kid": kid} if kid else None)


def read_keys(path: Path) -> list[Key]:
    """The keys in a file: a JWK set, a JWK, or a public key in PEM. Raises SettingsError."""
    try:
        text = path.read_text()
        if text.lstrip().startswith("{"):
            return parse_keys(json.loads(text))
        return [_from_pem(text)]
    except (OSError, ValueError, JoseError) as error:
        raise SettingsError(f"no keys for tokens could be read from {path}: {error}") from error


def parse_keys(document: Any) -> list[Key]:
    """The usable keys of a JWK set or JWK: unknown types and keys for encryption are left out (RFC 7517, section 5).

    Raises ValueError if none is left.
    """
    return some([usable(entry) for entry in entries(document)])


def entries(document: Any) -> list[Any]:
    """The first `MAX_KEYS` entries of a JWK set, or the JWK that a document is."""
    listed = document.get("keys") if isinstance(document, dict) else None
    return listed[:MAX_KEYS] if isinstance(listed, list) else [document]


def some(found: Iterable[Key | None]) -> list[Key]:
    """The keys that were found. Raises ValueError if there is none."""
    keys = [key for key in found if key is not None]
    if not keys:
        raise ValueError("the set holds no key that verifies signatures")
    return keys


def usable(entry: Any) -> Key | None:
    """The key of an entry of a JWK set; None if it verifies no signatures, or is of another kind."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or entry.get("kty") not in ALGORITHMS:
        return None
    try:
        key: Key = JWKRegistry.import_key(entry)
        return _strong(key)
    except (JoseError, ValueError, TypeError):
        return None


def _strong(key: Key) -> Key:
    """`key` itself. Raises ValueError if it is too weak, or too large."""
    if isinstance(key, RSAKey) and not MIN_RSA_BITS <= key.public_key.key_size <= MAX_RSA_BITS:
        raise ValueError(f"an RSA key must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    return key


def _from_pem(text: str) -> Key:
    for type in ("RSA", "EC", "OKP"):
        with suppress(JoseError, ValueError, TypeError):
            return _strong(JWKRegistry.import_key(text, type))
    raise ValueError("neither a JWK set nor a public key in PEM that is strong enough")
