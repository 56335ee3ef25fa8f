"""End the reported tasks whose reporter has vanished: nobody else would."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from typing import NamedTuple, Protocol

from headway.errors import EndedError, MalformedEventError, SupersededError, UnavailableError
from headway.eventlog.chain import Chain
from headway.eventlog.log import Log
from headway.eventlog.log_end import last_progress, read_log_end
from headway.events import ErrorInfo, is_terminal
from headway.jetstream.kv import Entry
from headway.records import ReporterRecord, TaskRecord, decode_record, decode_task
from headway.reporting.roll_up import Records, RollUp

LOOK_SECONDS = 5.0
"""How often the leases are read, at most a quarter of the time after which they are lost."""

logger = logging.getLogger(__name__)


class Leases(Protocol):
    """The bucket of reporters. Methods raise UnavailableError."""

    async def page(self, start: int) -> list[Entry]:
        """Some entries from sequence `start` on; none when there are no more."""


class Purge(Protocol):
    """Removes a lease, unless it was renewed after sequence `seq`. Raises UnavailableError."""

    async def __call__(self, reporter: str, seq: int, /) -> None: ...


class Stores(NamedTuple):
    """What is read and changed."""

    log: Log
    leases: Leases
    records: Records
    purge: Purge


class _Seen(NamedTuple):
    """A lease as it was seen first."""

    seq: int
    since: float
    """The loop time."""
    attempts: dict[str, int]
    lost_seconds: float


class LostReports:
    """Looks after the leases of reporters, as every processor does at the same time: a task has one end.

    A lease is lost when this processor has seen it unchanged for its own time, or else `lost_seconds`, by its own
    clock, while NATS answered: clocks of others do not matter, and no outage of NATS ends a task. One that holds no
    task is removed when it is seen.
    """

    def __init__(self, stores: Stores, lost_seconds: float) -> None:
        self._stores = stores
        self._roll_up = RollUp(stores.log, stores.records)
        self._lost_seconds = lost_seconds
        self._seen: dict[str, _Seen] = {}

    async def keep_ended(self) -> None:
        """Look again and again. A root task."""
        pause = min(LOOK_SECONDS, self._lost_seconds / 4)
        while True:
            try:
                await self.look()
            except UnavailableError as error:
                self._seen.clear()
                logger.info("leases cannot be read", extra={"action": "leases_unknown", "error": str(error)})
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load

    async def look(self) -> None:
        """Read the leases, and end the tasks of those that are lost. Raises UnavailableError."""
        entries = await self._entries()
        now, before = asyncio.get_running_loop().time(), self._seen
        self._seen = {entry.key: self._first(entry, before.get(entry.key), now) for entry in entries}
        for entry in entries:
            seen = self._seen[entry.key]
            if not seen.attempts or now - seen.since >= seen.lost_seconds:
                await self._end_all(entry, seen)

    async def _entries(self) -> list[Entry]:
        found: list[Entry] = []
        while page := await self._stores.leases.page(found[-1].seq + 1 if found else 1):
            found += page
        return found

    def _first(self, entry: Entry, before: _Seen | None, now: float) -> _Seen:
        """What is known of a lease: since when, if it was not renewed since then."""
        if before is not None and before.seq == entry.seq:
            return before
        try:
            lease = decode_record(entry.value, ReporterRecord)
        except MalformedEventError:
            logger.warning("a lease is malformed", extra={"action": "lease_malformed", "reporter": entry.key})
            lease = ReporterRecord({})
        return _Seen(entry.seq, now, lease.attempts, lease.lost_seconds or self._lost_seconds)

    async def _end_all(self, lease: Entry, seen: _Seen) -> None:
        for task, attempt in seen.attempts.items():
            if (record := await self._record(task)) is not None and record.reported:
                await self._end(record, attempt, seen.lost_seconds)
                await self._roll_up.update(record.parent)
        await self._stores.purge(lease.key, lease.seq)

    async def _record(self, task: str) -> TaskRecord | None:
        raw = await self._stores.records.get(task)
        try:
            return None if raw is None else decode_task(raw, task)
        except MalformedEventError:
            return None

    async def _end(self, record: TaskRecord, attempt: int, lost_seconds: float) -> None:
        end = await read_log_end(self._stores.log, record.task, record.ownership)
        if (end.head.event is not None and is_terminal(end.head.event)) or end.head.attempt > attempt:
            return  # another worker runs a newer attempt
        if end.latest is not None and end.latest.status == "retrying":
            return  # the attempt has ended, and the task waits in its queue for the next one
        message = f"its reporter has vanished: nothing was heard of it for {lost_seconds:g} s"
        error = ErrorInfo("Lost", message, retryable=False, transient=True)
        chain = Chain(self._stores.log, record.task, end.head, attempt=end.head.attempt, patient=False)
        with suppress(EndedError, SupersededError):  # another processor was faster, or the reporter has come back
            await chain.append(last_progress(end.latest, status="error", message=message, error=error))
            extra = {"action": "report_lost", "task": record.task, "kind": record.kind}
            logger.warning("a reported task is lost with its reporter", extra=extra)
