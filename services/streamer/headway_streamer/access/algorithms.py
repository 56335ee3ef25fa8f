"""Signature algorithms of tokens that are accepted."""

from __future__ import annotations

from collections.abc import Mapping

ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "oct": ("HS256", "HS384", "HS512"),
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA", "Ed25519"),
}
"""Algorithms by key type: a public key never verifies an HMAC (RFC 8725, section 2.1)."""
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
EVERY_ALGORITHM = frozenset(name for names in ALGORITHMS.values() for name in names)
