"""What the catalogue says of the kinds that handlers submit."""

from __future__ import annotations

import asyncio
from typing import Protocol

from headway.errors import ChildrenError
from headway.records import KindRecord, decode_record
from headway.service.retry import retry

FRESH_SECONDS = 10.0


class Bucket(Protocol):
    """Where the kinds are kept."""

    async def get(self, key: str) -> bytes | None:
        """The value of `key`. Raises UnavailableError."""


class KnownKinds:
    """The kinds that were asked for, each read at most every ten seconds."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[str, tuple[float, KindRecord]] = {}

    async def get(self, kind: str) -> KindRecord:
        """The kind of that name. Waits while NATS is unreachable. Raises ChildrenError for one that nobody offers."""
        now = asyncio.get_running_loop().time()
        at, record = self._known.get(kind, (0.0, None))
        if record is None or now >= at + FRESH_SECONDS:
            raw = await retry(lambda: self._bucket.get(kind))
            if raw is None:
                raise ChildrenError(f"no processor runs kind {kind!r}: start one that does", retryable=True)
            record = decode_record(raw, KindRecord)
            self._known[kind] = now, record
        return record
