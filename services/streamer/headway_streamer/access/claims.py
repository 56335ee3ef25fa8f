"""The claims of a token as a principal. Which claim holds what is configured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.principal import Principal

MAX_NAME_CHARS = 128
MAX_SCOPES = 100


class ClaimNames(msgspec.Struct, frozen=True):
    """Names of claims. A dot leads into an object: `realm_access.roles`."""

    owner: str = "sub"
    tenant: str = ""
    """Empty if all owners belong to one tenant."""
    scopes: str = "scope"


def principal(claims: Mapping[str, Any], names: ClaimNames, token: str = "") -> Principal:
    """The principal that validated `claims`, of `token`, describe.

    Raises UnauthenticatedError if a claim is missing or odd.
    """
    owner = _name(claims, names.owner)
    tenant = _name(claims, names.tenant) if names.tenant else ""
    return Principal(
        owner=owner,
        tenant=tenant,
        scopes=_scopes(find(claims, names.scopes)),
        expires=float(claims["exp"]),
        tokens=(token_id(claims, token),) if token else (),
        issued=float(claims.get("iat", 0)),
    )


def token_id(claims: Mapping[str, Any], token: str) -> str:
    """The id by which a valid token can be revoked: its `jti`, or a digest of what its signature covers.

    Not of the signature: another one may be valid for the same text.
    """
    jti = claims.get("jti")
    if isinstance(jti, str) and 0 < len(jti) <= MAX_NAME_CHARS:
        return jti
    return "sha256-" + hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()


def find(claims: Mapping[str, Any], path: str) -> Any:
    """The claim at `path`, or None. A claim whose name has dots, such as a URL, is found by its whole name first."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def _name(claims: Mapping[str, Any], path: str) -> str:
    value = find(claims, path)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME_CHARS or not value.isprintable():
        raise UnauthenticatedError("a claim that names the owner or tenant is missing or odd")
    return value


def _scopes(value: Any) -> frozenset[str]:
    """Scopes as RFC 8693 writes them, separated by spaces, or as a list."""
    if value is None:
        return frozenset()
    parts = value.split() if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) > MAX_SCOPES or not all(isinstance(part, str) for part in parts):
        raise UnauthenticatedError("the claim of the scopes is odd")
    return frozenset(parts)
