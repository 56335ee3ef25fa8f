"""A bucket, a job queue and a result store in memory."""

from __future__ import annotations

import asyncio
import time

from headway import codec
from headway.errors import StoreFullError, TooLargeError, UnavailableError
from headway.jetstream.kv import PAGE, SMALL_PAGE, Entry, Page
from headway.jetstream.publisher import MAX_MESSAGE_BYTES
from headway.records import JobMessage


class _Store:
    """What the stores have in common: with `away` every call raises UnavailableError."""

    def __init__(self) -> None:
        self.away = False

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise UnavailableError("NATS is unreachable")


class MemoryBucket(_Store):
    """A `headway.jetstream.kv.Bucket` in memory: every write gets the next sequence, and a key has its last value.

    Faults to test with: `away` makes every call raise UnavailableError, `full` every write StoreFullError. `reads`
    counts the calls that read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.reads = 0
        self._seq = 0
        self._entries: dict[str, tuple[int, bytes]] = {}
        self.stored_at: dict[str, float] = {}
        """When keys were stored, seconds since 1970. Tests may change it."""

    async def get(self, key: str) -> bytes | None:
        await self._read()
        entry = self._entries.get(key)
        return None if entry is None else entry[1] or None

    async def all(self) -> list[tuple[str, bytes]]:
        await self._read()
        return self._between(1, self._seq + 1)

    async def page(self, start: int) -> list[Entry]:
        await self._read()
        found = [Entry(seq, key, value) for key, (seq, value) in self._entries.items() if seq >= start]
        return found[:PAGE]

    async def create(self, key: str, value: bytes, *, life_seconds: float = 0.0) -> bool:
        await self._answer()
        if self.full:
            raise StoreFullError("the JetStream store")
        if key in self._entries:
            return False
        self.set(key, value)
        if life_seconds:
            asyncio.get_running_loop().call_later(life_seconds, self._entries.pop, key, None)
        return True

    async def put(self, key: str, value: bytes) -> None:
        await self._answer()
        if self.full:
            raise StoreFullError("the JetStream store")
        self.set(key, value)

    async def seq_after(self, at: float) -> int:
        await self._read()
        return min((seq for key, (seq, _) in self._entries.items() if self.stored_at[key] > at), default=0)

    async def count(self) -> int:
        await self._read()
        return len(self._entries)

    async def newest_before(self, seq: int) -> Page:
        await self._read()
        end = seq or self._seq + 1
        start = max(end - SMALL_PAGE, 1)
        entries = (Entry(seq, key, value) for key, (seq, value) in self._entries.items())
        found = [entry for entry in entries if start <= entry.seq < end and entry.value]
        return Page(found, start, self.stored_at[found[0].key] if found else 0.0)

    def set(self, key: str, value: bytes) -> None:
        """Store `value`, whatever the key had before; an empty value deletes it."""
        self._seq += 1
        self._entries.pop(key, None)
        self._entries[key] = self._seq, value
        self.stored_at[key] = time.time()

    def _between(self, start: int, end: int) -> list[tuple[str, bytes]]:
        return [(key, value) for key, (seq, value) in self._entries.items() if start <= seq < end and value]

    async def _read(self) -> None:
        await self._answer()
        self.reads += 1


class MemoryJobQueue(_Store):
    """A `headway.jetstream.job_queue.JetStreamJobQueue` in memory: at most one job per task.

    Faults to test with: `away` makes every call raise UnavailableError, `full` raises StoreFullError, and jobs over
    `limit_bytes` raise TooLargeError.
    """

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.limit_bytes = MAX_MESSAGE_BYTES
        """Most bytes of one job."""
        self.jobs: dict[str, JobMessage] = {}
        """What is stored, by task."""

    async def put(self, job: JobMessage) -> None:
        await self._answer()
        size = len(codec.encode_json(job))
        if size > self.limit_bytes:
            raise TooLargeError(f"the job of {job.task}", size, self.limit_bytes)
        if self.full:
            raise StoreFullError("the stream")
        self.jobs.setdefault(job.task, job)


class MemoryDeletions(_Store):
    """The requests of a `headway.jetstream.deletions.Deletions` in memory. `away` makes every call raise
    UnavailableError.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[str] = []
        """The tasks that are to be removed."""
        self.ended: list[tuple[str, str]] = []
        """Kinds and tasks that were noted as ended."""

    async def request(self, task: str) -> None:
        await self._answer()
        self.tasks.append(task)

    async def note_ended(self, kind: str, task: str) -> None:
        await self._answer()
        self.ended.append((kind, task))


class MemoryResults(_Store):
    """A `headway.jetstream.results.ResultStore` in memory. `away` makes every call raise UnavailableError."""

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[str, bytes] = {}
        """JSON by task."""

    async def get(self, task: str) -> bytes | None:
        await self._answer()
        return self.results.get(task)
