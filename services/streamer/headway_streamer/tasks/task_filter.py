"""Which tasks a list shows."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec

from headway.records import MAX_SECONDS
from headway_streamer.tasks.page_cursor import Place


class Scope(NamedTuple):
    """Whose tasks a caller sees."""

    tenant: str
    owner: str | None
    """None for all owners of the tenant."""


class Filter(msgspec.Struct, frozen=True):
    """Which tasks to list."""

    limit: int = 50
    kinds: tuple[str, ...] = ()
    """One of these; empty for any."""
    statuses: tuple[str, ...] = ()
    """One of these; empty for any."""
    tags: tuple[str, ...] = ()
    """All of these."""
    text: str = ""
    """In the title, kind, id or a tag, in upper or lower case."""
    since: float = 0.0
    """Seconds since 1970: only tasks created later."""
    before: float = math.inf
    """Seconds since 1970: only tasks created then or earlier."""
    owner: str = ""
    parent: str = ""
    """Only the parts of this task."""
    after: Place | None = None
    """Only tasks behind this place of the list."""
    scope: Scope | None = None
    """Only tasks of these owners; None for everybody's."""


def micros(seconds: float) -> int:
    """Microseconds since 1970, by which lists are sorted: they are exact, and the same in a database and in JSON."""
    return round(min(max(seconds, 0.0), MAX_SECONDS) * 1e6) if seconds == seconds else 0
