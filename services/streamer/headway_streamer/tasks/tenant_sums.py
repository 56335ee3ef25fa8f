"""The bytes that each tenant has stored, summed up from the records, the ends of the logs, and the files."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from headway.errors import MalformedEventError, UnavailableError
from headway.eventlog.chain import EVENT_BYTES
from headway.eventlog.log import Log
from headway.records import decode_task
from headway_streamer.limits.caller import tenant_key
from headway_streamer.limits.stored import StoredBytes
from headway_streamer.tasks.ports import KeyValues

PAUSE_SECONDS = 5.0
"""Between two sums, at least."""
WORK_SHARE = 0.2
"""Share of the time that is spent on summing up: with many tasks a sum takes longer."""
PAGE = 50
"""Logs whose ends are read at once: they may hold results."""

logger = logging.getLogger(__name__)


class TenantSums:
    """Sums up again and again, if this streamer is the one that does it for all.

    Args:
        chosen: whether it is.
        files: the bytes of files, by tenant. Raises UnavailableError.
    """

    def __init__(
        self,
        records: KeyValues,
        log: Log,
        stored: StoredBytes,
        chosen: Callable[[], bool],
        files: Callable[[], Awaitable[dict[str, int]]],
    ) -> None:
        self.count = 0
        """Sums that were finished."""
        self._records = records
        self._log = log
        self._stored = stored
        self._chosen = chosen
        self._files = files

    async def keep_summed(self) -> None:
        """Sum up the bytes of all tasks, and pause in between. A root task."""
        clock = asyncio.get_running_loop().time
        while True:
            if self._stored.most and self._chosen():
                began = clock()
                try:
                    await self._sum(began)
                except UnavailableError as error:
                    logger.info("tenants cannot be summed up", extra={"action": "sums_unknown", "error": str(error)})
            await asyncio.sleep(PAUSE_SECONDS)

    async def _sum(self, began: float) -> None:
        clock, found, start = asyncio.get_running_loop().time, Counter[str](), 1
        while entries := await self._records.page(start):
            page_began = clock()
            await self._add(found, {entry.key: entry.value for entry in entries})
            start = entries[-1].seq + 1
            await asyncio.sleep((clock() - page_began) * (1 / WORK_SHARE - 1))
        for tenant, size_bytes in (await self._files()).items():
            found[tenant_key(tenant)] += size_bytes
        self._stored.sum_up(dict(found), clock() - began)
        self.count += 1

    async def _add(self, found: Counter[str], records: dict[str, bytes]) -> None:
        """Add the bytes of tasks, whose records are given, to those of their tenants."""
        tenants = {task: key for task, value in records.items() if (key := _tenant_of(task, value))}
        for task, key in tenants.items():
            found[key] += EVENT_BYTES + len(records[task])
        await asyncio.sleep(0)  # decoding a page takes milliseconds
        tasks = list(tenants)
        for place in range(0, len(tasks), PAGE):
            for last in (await self._log.lasts(tasks[place : place + PAGE]))[0]:
                found[tenants[last.task]] += last.size or EVENT_BYTES + len(last.payload)


def _tenant_of(task: str, value: bytes) -> str:
    """The key of the tenant of a record; empty for one that was removed or is malformed."""
    try:
        return tenant_key(decode_task(value, task).tenant) if value else ""
    except MalformedEventError:
        return ""
