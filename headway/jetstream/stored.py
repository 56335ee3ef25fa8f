"""A message of a stream, as it is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from headway.ownership import UNKNOWN, Ownership
from headway.producer import Producer


class Stored(NamedTuple):
    """One message of a stream."""

    seq: int
    payload: bytes
    msg_id: str
    task: str
    """The last token of its subject."""
    ownership: Ownership = UNKNOWN
    size: int = 0
    """Bytes of the log up to this event, as its writer has counted them: see `Chain`. 0 if it has not."""
    producer: Producer | None = None
    """Of a task that is reported over HTTP."""
    time: str = ""
    """When it was stored, as the server writes it (RFC 3339); empty if it was read from the leader."""
    subject: str = ""
    """Its whole subject; empty if it was read from the leader."""


SIZE_HEADER = "Headway-Log-Bytes"


def seconds_of(time: str) -> float:
    """A time as the server writes it, in seconds since 1970.

    >>> seconds_of("1970-01-02T00:00:00.123456789Z")
    86400.123456
    """
    whole, _, fraction = time.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00").timestamp()


def size_of(headers: Mapping[str, str]) -> int:
    """The size that headers of a message name; 0 if none.

    >>> size_of({"Headway-Log-Bytes": "512"}), size_of({"Headway-Log-Bytes": "-5"}), size_of({})
    (512, 0, 0)
    """
    text = headers.get(SIZE_HEADER, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
