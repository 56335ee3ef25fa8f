"""Whom a request counts against."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple


class Caller(NamedTuple):
    """What a request counts against: keys made by `owner_key` and `address_key`. Empty where nothing is counted."""

    owner: str = ""
    address: str = ""
    name: str = ""
    """Of the owner, for the log."""
    tenant: str = ""
    host: str = ""
    """The client's address, for the log."""


NOBODY = Caller()


@lru_cache(4096)
def owner_key(tenant: str, owner: str) -> str:
    """The key of an owner: of one length, and streamers send each other no names."""
    return _digest(b"owner", tenant.encode("utf-8", "surrogatepass") + b"\0" + owner.encode("utf-8", "surrogatepass"))


def address_key(address: str | bytes) -> str:
    """The key of what counts as one address."""
    return _digest(b"address", address if isinstance(address, bytes) else address.encode("latin-1", "replace"))


def tenant_key(tenant: str) -> str:
    """The key of a tenant."""
    return _digest(b"tenant", tenant.encode("utf-8", "surrogatepass"))


def _digest(kind: bytes, text: bytes) -> str:
    return blake2b(text, digest_size=16, person=kind).hexdigest()
