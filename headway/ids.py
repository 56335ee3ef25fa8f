"""Task ids: new ones sort by time; an idempotency key always gives the same one."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from base64 import b32hexencode


def _text(raw: bytes) -> str:
    return b32hexencode(raw).decode("ascii").rstrip("=").lower()


def new_task() -> str:
    """A new task id: a UUID version 7 (RFC 9562 §5.7) in lower-case base 32, 26 characters.

    The first 48 bits are milliseconds since 1970, and the "extended hex" alphabet of RFC 4648 §7 keeps the order of
    the bytes: ids sort by the time they were made.
    """
    raw = bytearray(int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10))
    raw[6] = (raw[6] & 0x0F) | 0x70
    raw[8] = (raw[8] & 0x3F) | 0x80
    return _text(bytes(raw))


def derived_task(secret: bytes, owner: str, key: str) -> str:
    """The task id that belongs to an owner's idempotency key: the same key gives the same task, on any streamer.

    Only who knows the secret can compute it.
    """
    return "k" + _text(hmac.digest(secret, f"{len(owner)}:{owner}:{key}".encode(), "sha256")[:16])


def child_task(parent: str, key: str) -> str:
    """The id of the child that `parent` submits under `key`: the same in each attempt of the parent.

    Who knows the parent's id can compute it; such a person may watch the parent, and its parts are listed there.
    """
    return "c" + _text(hashlib.sha256(f"{len(parent)}:{parent}:{key}".encode()).digest()[:16])


def public_task(key: str) -> str:
    """The task id that versions without a secret derived from a key. Anybody can compute it."""
    return "k" + _text(hashlib.sha256(f"0::{key}".encode()).digest()[:16])


def new_file() -> str:
    """A new id of a file: 160 random bits, which nobody guesses, in 32 characters."""
    return _text(os.urandom(20))


def nonce() -> str:
    """A random word of 48 bits that tells two writers apart."""
    return os.urandom(6).hex()


def base36(number: int) -> str:
    """A non-negative number in digits and lower-case letters."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits or "0"
