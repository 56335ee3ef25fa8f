"""The tasks that a process reports, stored so that they end as lost when it vanishes."""

from __future__ import annotations

import asyncio
from typing import Protocol

from headway import codec
from headway.errors import UnavailableError
from headway.ids import nonce
from headway.records import ReporterRecord
from headway.service.retry import Retries


class Entries(Protocol):
    """The bucket of reporters."""

    async def put(self, key: str, value: bytes) -> None:
        """Store a value in place of an earlier one. Raises UnavailableError."""


class ReporterLease:
    """The lease of one process on its tasks, renewed while it has any. For the event loop of the reports alone.

    Args:
        renew_seconds: a processor that sees no renewal for several times as long ends the tasks.
    """

    def __init__(self, entries: Entries, renew_seconds: float) -> None:
        self._entries = entries
        self._renew_seconds = renew_seconds
        self._name = nonce()
        self._attempts: dict[str, int] = {}
        self._stored: dict[str, int] = {}
        self._storing: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def add(self, task: str, attempt: int) -> None:
        """Return when the lease holds this attempt at `task`, however long NATS is unreachable.

        One write serves all that wait.
        """
        self._attempts[task] = attempt
        self._renewing = self._renewing or asyncio.create_task(self._renew())
        while self._stored.get(task) != attempt:
            self._storing = self._storing or asyncio.create_task(self._store())
            await asyncio.shield(self._storing)

    def remove(self, task: str) -> None:
        """The task has its end; the next renewal leaves it out."""
        self._attempts.pop(task, None)

    async def _store(self) -> None:
        try:
            await Retries().run(self._put)
        finally:
            self._storing = None

    async def _put(self) -> None:
        attempts = dict(self._attempts)
        await self._entries.put(self._name, codec.encode_json(ReporterRecord(attempts)))
        self._stored = attempts

    async def _renew(self) -> None:
        """Store the lease again and again, the last time without any task."""
        while self._attempts or self._stored:
            await asyncio.sleep(self._renew_seconds)
            try:
                await self._put()
            except UnavailableError:
                continue
        self._renewing = None
