"""The leases of tasks that are reported over HTTP: a processor ends a task as lost when nobody renews its lease."""

from __future__ import annotations

import asyncio
from typing import Protocol

from headway import codec
from headway.records import ReporterRecord

PREFIX = "http="
"""Of the keys, which the names of processes and the ids of tasks cannot contain."""
MAX_NOTED = 10_000
RENEWALS = 4
"""A lease is renewed at most this often in its time."""


class Entries(Protocol):
    """The bucket of reporters."""

    async def put(self, key: str, value: bytes) -> None:
        """Store a value in place of an earlier one. Raises UnavailableError and StoreFullError."""


class ReportLeases:
    """Writes the leases. What it remembers only saves writes: any streamer renews any lease.

    Methods raise UnavailableError.
    """

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._renewed: dict[str, float] = {}
        """When this streamer renewed leases last, in loop time; those of the last 10,000 tasks."""

    async def begin(self, task: str, attempt: int, lease_seconds: int) -> None:
        """Store the lease of a task whose attempt is opened."""
        lease = ReporterRecord({task: attempt}, float(lease_seconds))
        await self._entries.put(PREFIX + task, codec.encode_json(lease))
        self._renewed.pop(task, None)
        self._renewed[task] = asyncio.get_running_loop().time()
        while len(self._renewed) > MAX_NOTED:
            del self._renewed[next(iter(self._renewed))]

    async def renew(self, task: str, attempt: int, lease_seconds: int) -> None:
        """Renew the lease, unless this streamer has done so within a quarter of its time."""
        renewed, now = self._renewed.get(task), asyncio.get_running_loop().time()
        if renewed is None or now - renewed >= lease_seconds / RENEWALS:
            await self.begin(task, attempt, lease_seconds)

    async def end(self, task: str) -> None:
        """Leave a lease without tasks, which processors remove."""
        self._renewed.pop(task, None)
        await self._entries.put(PREFIX + task, codec.encode_json(ReporterRecord({})))
