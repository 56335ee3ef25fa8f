"""One task at a time for each key: an entry in a bucket names the task that holds the key.

Whether that task still runs is read from its log, so that no crash leaves a key held. The entry is replaced by
compare-and-set: of two streamers that find a key free, one takes it.
"""

from __future__ import annotations

import hashlib
import time
from typing import Protocol

import msgspec

from headway import codec
from headway.errors import MalformedEventError, UnavailableError
from headway.eventlog.chain import read_head
from headway.eventlog.log import Log
from headway.events import is_terminal
from headway.records import TaskRecord, decode_record
from headway.subjects import is_name
from headway_streamer.tasks.ports import JobQueue, KeyValues

BEING_STORED_SECONDS = 10.0
"""A task without events and without a job is being stored, for this long after it has taken its key."""
TRIES = 5


class Holder(msgspec.Struct, kw_only=True):
    """The task that holds a key. Kept in the KV bucket `<namespace>_unique` under the digest of the key."""

    task: str
    kind: str
    at: float
    """When it took the key, seconds since 1970."""


class HolderBucket(Protocol):
    """A bucket whose entries are replaced by compare-and-set. Methods raise UnavailableError."""

    async def entry(self, key: str) -> tuple[bytes | None, int]:
        """The value of `key` and its sequence; None and 0 without any."""

    async def update(self, key: str, value: bytes, seq: int) -> bool:
        """Store `value` if the entry of `key` still has that sequence; 0 for none. False when it has not."""


def digest_of(tenant: str, kind: str, key: str) -> str:
    """The name of a key of a kind within a tenant, under which its holder is kept; it does not tell the key.

    >>> digest_of("", "crawl", "") == ""
    True
    """
    if not key:
        return ""
    return hashlib.sha256(codec.encode_json([tenant, kind, key])).hexdigest()[:40]


class UniqueTasks:
    """Takes keys for tasks."""

    def __init__(self, holders: HolderBucket, log: Log, jobs: JobQueue, scheduled: KeyValues) -> None:
        self._holders = holders
        self._log = log
        self._jobs = jobs
        self._scheduled = scheduled

    async def take(self, record: TaskRecord) -> str:
        """Take the key of a task that is about to be stored. Return the task that holds it; empty when it is taken.

        Raises UnavailableError, also when another task is being stored under the key.
        """
        value = codec.encode_json(Holder(task=record.task, kind=record.kind, at=round(time.time(), 3)))
        for _ in range(TRIES):
            stored, seq = await self._holders.entry(record.unique)
            holder = _decoded(stored)
            if holder is not None:
                if holder.task == record.task:
                    return ""
                if await self._runs(holder):
                    return holder.task
            if await self._holders.update(record.unique, value, seq):
                return ""
        raise UnavailableError("many tasks are submitted under one key at the same time")

    async def _runs(self, holder: Holder) -> bool:
        last = (await read_head(self._log, holder.task)).event
        if last is not None:
            return not is_terminal(last)
        if await self._jobs.has(holder.kind, holder.task) or await self._scheduled.get(holder.task) is not None:
            return True
        if time.time() - holder.at < BEING_STORED_SECONDS:
            raise UnavailableError("a task is being stored under this key")
        return False


def _decoded(stored: bytes | None) -> Holder | None:
    if stored is None:
        return None
    try:
        holder = decode_record(stored, Holder)
    except MalformedEventError:
        return None
    return holder if is_name(holder.task) and is_name(holder.kind) else None
