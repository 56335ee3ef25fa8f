"""Remove the files that were deleted or have expired, and what is left of uploads that were cut."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from headway.errors import UnavailableError
from headway.jetstream.file_store import Found
from headway.jetstream.object_store import Purge
from headway.records import FileRecord
from headway.retry_delay import RetryDelay
from headway.service.retry import Retries

PERIOD_SECONDS = 30.0
GRACE_SECONDS = 120.0
"""How long an expired file is still there. Meanwhile a task that was given it fails because it has expired, not because
it is absent; and a streamer whose clock is late does not store a part of an upload that is removed."""
REFUSED = RetryDelay(first_seconds=1.0, backoff=2.0, max_seconds=30.0, jitter=0.2)

logger = logging.getLogger(__name__)


class Files(Protocol):
    """The files of a namespace. Methods raise UnavailableError and may be repeated."""

    async def page(self, start: int) -> tuple[Sequence[Found], int]:
        """Entries from sequence `start` on, and where the next page begins; `start` at the end."""

    async def remove(self, file: str, purge: Purge) -> None:
        """Remove what is stored of a file."""


class FileRemover:
    """Removes files, as every processor does at the same time: what one has removed the others find removed."""

    def __init__(self, files: Files, purge: Purge, clock: Callable[[], float] = time.time) -> None:
        self._files = files
        self._purge = purge
        self._clock = clock
        self._retries = Retries(delay=REFUSED, on_refused=self._on_refused)

    async def keep_removed(self) -> None:
        """Look for files to be removed every 30 s. A root task."""
        while True:
            await self._retries.run(self.remove_due)
            await asyncio.sleep(PERIOD_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load

    async def remove_due(self) -> None:
        """Remove the files that are due. Raises UnavailableError."""
        latest: dict[str, FileRecord] = {}
        start = 1
        while True:
            page, following = await self._files.page(start)
            if following == start:
                break
            latest |= {record.file: record for _, record in page}
            start = following
        for record in _due(latest.values(), self._clock()):
            await self._files.remove(record.file, self._purge)
            reason = "requested" if record.deleted else "expired" if record.whole else "cut"
            logger.info("a file is removed", extra={"action": "file_removed", "file": record.file, "reason": reason})

    def _on_refused(self, error: UnavailableError) -> None:
        logger.warning(
            "files cannot be removed; accounts of NATS from an earlier version lack the right, "
            "`headway nats-config` prints them",
            extra={"action": "file_removal_refused", "error": str(error)},
        )


def _due(records: Iterable[FileRecord], now: float) -> list[FileRecord]:
    return [record for record in records if record.deleted or record.expires + GRACE_SECONDS <= now]
