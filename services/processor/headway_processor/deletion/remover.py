"""Remove the tasks that were deleted, and those of kinds whose retention is over."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple, Protocol

from headway.errors import MalformedEventError, NotEndedError, UnavailableError
from headway.jetstream.deletions import Entry
from headway.records import KindRecord, decode_record
from headway.retry_delay import RetryDelay
from headway.service.retry import Retries
from headway_processor.metrics import Metrics

REQUESTS_SECONDS = 1.0
"""How often requests are looked for."""
RETENTION_SECONDS = 30.0
"""How often tasks are looked for whose retention is over."""
CONCURRENCY = 8
REFUSED = RetryDelay(first_seconds=1.0, backoff=2.0, max_seconds=30.0, jitter=0.2)

logger = logging.getLogger(__name__)


class Queue(Protocol):
    """The queue of deletions. Methods raise UnavailableError."""

    async def requested(self) -> list[Entry]:
        """The oldest requests."""

    def ended_before(self, kind: str, before: float) -> AsyncIterator[Entry]:
        """The tasks of `kind` that were noted as ended before that time, seconds since 1970."""


class Removal(Protocol):
    """What removes one task. Methods raise UnavailableError and may be repeated."""

    async def remove(self, task: str, request: int = 0) -> None:
        """Remove the task, and the requests for it up to that sequence. Raises NotEndedError."""

    async def drop(self, task: str, request: int) -> None:
        """Remove the requests for a task that has not ended."""


class Kinds(Protocol):
    """The bucket of kinds."""

    async def all(self) -> list[tuple[str, bytes]]:
        """All kinds and their records. Raises UnavailableError."""


class Stores(NamedTuple):
    """What the remover reads and changes."""

    queue: Queue
    removal: Removal
    kinds: Kinds


class TaskRemover:
    """Removes tasks, as every processor does at the same time: what one has removed the others find removed."""

    def __init__(self, stores: Stores, metrics: Metrics) -> None:
        self._queue, self._removal, self._kinds = stores
        self._metrics = metrics
        self._retries = Retries(delay=REFUSED, on_refused=self._on_refused)

    async def keep_removed(self) -> None:
        """Look for requests every second, for ended retentions every 30 s. A root task."""
        clock = asyncio.get_running_loop().time
        expiry_at = clock()
        while True:
            await self._retries.run(self.remove_requested)
            if clock() >= expiry_at:
                await self._retries.run(self.remove_expired)
                expiry_at = clock() + RETENTION_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load
            await asyncio.sleep(REQUESTS_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load

    async def remove_requested(self) -> None:
        """Remove the tasks that were deleted. Raises UnavailableError."""
        while entries := await self._queue.requested():
            await self._remove_all(entries, "requested")

    async def remove_expired(self) -> None:
        """Remove the tasks that have ended for longer than the retention of their kind. Raises UnavailableError."""
        for key, raw in await self._kinds.all():
            try:
                kind = decode_record(raw, KindRecord)
            except MalformedEventError:
                logger.warning("a kind is malformed", extra={"action": "kind_malformed", "kind": key})
                continue
            if kind.retention_seconds is not None:
                before = time.time() - kind.retention_seconds
                expired = [Entry(entry.task, 0) async for entry in self._queue.ended_before(kind.kind, before)]
                await self._remove_all(expired, "expired")

    async def _remove_all(self, entries: Iterable[Entry], reason: str) -> None:
        latest: dict[str, Entry] = {entry.task: entry for entry in entries}
        chosen = list(latest.values())
        random.shuffle(chosen)  # processors begin with different ones
        for start in range(0, len(chosen), CONCURRENCY):
            await asyncio.gather(*(self._remove(entry, reason) for entry in chosen[start : start + CONCURRENCY]))

    async def _remove(self, entry: Entry, reason: str) -> None:
        extra = {"action": "removed", "task": entry.task, "reason": reason}
        try:
            await self._removal.remove(entry.task, entry.seq)
        except NotEndedError:
            logger.warning("a task that has not ended is not removed", extra=extra | {"action": "not_removed"})
            await self._removal.drop(entry.task, entry.seq)
        else:
            self._metrics.removed(reason)
            logger.info("a task is removed", extra=extra)

    def _on_refused(self, error: UnavailableError) -> None:
        logger.warning(
            "deleted tasks cannot be removed; accounts of NATS from an earlier version lack the right, "
            "`headway nats-config` prints them",
            extra={"action": "removal_refused", "error": str(error)},
        )
