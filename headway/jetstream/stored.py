"""A message of a stream, as readers get it."""

from __future__ import annotations

from typing import NamedTuple


class Stored(NamedTuple):
    """One message as it stands in a stream."""

    seq: int
    payload: bytes
    msg_id: str
    task: str
    """The last token of its subject."""
