"""A message of a stream, as it is read."""

from __future__ import annotations

from typing import NamedTuple

from headway.ownership import UNKNOWN, Ownership


class Stored(NamedTuple):
    """One message of a stream."""

    seq: int
    payload: bytes
    msg_id: str
    task: str
    """The last token of its subject."""
    ownership: Ownership = UNKNOWN
