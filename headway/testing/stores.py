"""A bucket, a job queue and stores of results and files in memory."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator

import msgspec

from headway import codec
from headway.checkpoint import StoredCheckpoint, unpack
from headway.errors import ConflictError, DamagedError, StoreFullError, TooLargeError, UnavailableError
from headway.jetstream.file_store import Found
from headway.jetstream.kv import PAGE, SMALL_PAGE, Entry, Page
from headway.jetstream.publisher import MAX_MESSAGE_BYTES
from headway.jetstream.stored import Stored
from headway.records import FileRecord, JobMessage


class _Store:
    """What the stores have in common: with `away` every call raises UnavailableError."""

    def __init__(self) -> None:
        self.away = False

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise UnavailableError("NATS is unreachable")


class MemoryDeadLetterStream(_Store):
    """A `headway.jetstream.dead_letters.DeadLetterStream` in memory. `add` stores a message under its subject."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: dict[int, Stored] = {}
        self._seq = 0

    def add(self, subject: str, payload: bytes) -> int:
        self._seq += 1
        self.letters[self._seq] = Stored(self._seq, payload, "", subject.rpartition(".")[2], subject=subject)
        return self._seq

    async def page(self, kind: str, start: int) -> list[Stored]:
        await self._answer()
        found = [one for seq, one in self.letters.items() if seq >= start and kind in ("", one.subject.split(".")[-2])]
        return found[:3]

    async def get(self, seq: int) -> Stored | None:
        await self._answer()
        return self.letters.get(seq)

    async def remove(self, seq: int) -> None:
        await self._answer()
        self.letters.pop(seq, None)


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

    async def entry(self, key: str) -> tuple[bytes | None, int]:
        await self._read()
        seq, value = self._entries.get(key, (0, b""))
        return value or None, seq

    async def update(self, key: str, value: bytes, seq: int) -> bool:
        await self._answer()
        if self.full:
            raise StoreFullError("the JetStream store")
        if self._entries.get(key, (0, b""))[0] != seq:
            return False
        self.set(key, value)
        return True

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

    async def has(self, kind: str, task: str) -> bool:
        await self._answer()
        return task in self.jobs


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


class MemoryCheckpoints(_Store):
    """The checkpoints of tasks in memory. `away` makes every call raise UnavailableError."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, int], bytes] = {}
        """What is stored, by task and number."""
        self._count = 0

    async def put(self, task: str, packed: bytes) -> int:
        await self._answer()
        self._count += 1
        self.kept[task, self._count] = packed
        return self._count

    async def get(self, task: str, seq: int) -> StoredCheckpoint:
        await self._answer()
        packed = self.kept.get((task, seq))
        if packed is None:
            raise DamagedError(f"the checkpoint {seq} of {task} is missing")
        return StoredCheckpoint(seq, unpack(packed), len(packed))

    async def drop_before(self, task: str, seq: int) -> None:
        await self._answer()
        self.kept = {key: packed for key, packed in self.kept.items() if key[0] != task or key[1] >= seq}

    async def remove(self, task: str) -> None:
        await self._answer()
        self.kept = {key: packed for key, packed in self.kept.items() if key[0] != task}


class MemoryResults(_Store):
    """A `headway.jetstream.results.ResultStore` in memory. `away` makes every call raise UnavailableError."""

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[str, bytes] = {}
        """JSON by task."""

    async def get(self, task: str) -> bytes | None:
        await self._answer()
        return self.results.get(task)


class MemoryFiles(_Store):
    """A `headway.jetstream.file_store.FileStore` in memory.

    Faults to test with: `away` makes every call raise UnavailableError, `full` raises StoreFullError.
    """

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.records: dict[str, FileRecord] = {}
        """The latest record of each file."""
        self.content: dict[str, bytes] = {}
        """Of whole files."""
        self.entries: list[FileRecord] = []
        """All records, in the order in which they were stored; the sequence of the first is 1."""

    async def get(self, file: str) -> FileRecord | None:
        await self._answer()
        return self.records.get(file)

    async def page(self, start: int) -> tuple[list[Found], int]:
        await self._answer()
        found = [Found(seq, record) for seq, record in enumerate(self.entries, 1) if seq >= start]
        return found, len(self.entries) + 1 if found else start

    async def begin(self, record: FileRecord) -> MemoryUpload:
        await self._answer()
        self.set(record)
        return MemoryUpload(self, record)

    async def change(self, file: str, *, deleted: bool = False, expires: float | None = None) -> FileRecord | None:
        record = await self.get(file)
        if record is None or record.deleted:
            return None
        changed = msgspec.structs.replace(record, deleted=deleted, expires=max(record.expires, expires or 0.0))
        self.set(changed)
        return changed

    async def read(self, file: str) -> AsyncIterator[bytes]:
        await self._answer()
        record = self.records.get(file)
        if record is None or not record.whole:
            raise UnavailableError(f"file {file} is not there")
        content = self.content[file]
        for start in range(0, len(content), 1024):
            yield content[start : start + 1024]

    def add(self, content: bytes, **fields: object) -> FileRecord:
        """Store a whole file, with these fields of its record, and return it."""
        now, sha256 = time.time(), hashlib.sha256(content).hexdigest()
        given = {"file": f"f{len(self.entries)}", "created": now, "expires": now + 3600, "sha256": sha256}
        record = msgspec.convert(given | {"bytes": len(content)} | fields, FileRecord)
        self.content[record.file] = content
        self.set(record)
        return record

    def set(self, record: FileRecord) -> None:
        """Store a record in place of an earlier one."""
        if self.full:
            raise StoreFullError("the stream")
        self.records[record.file] = record
        self.entries.append(record)


class MemoryUpload:
    """A `headway.jetstream.file_store.Upload` into a MemoryFiles."""

    def __init__(self, files: MemoryFiles, record: FileRecord) -> None:
        self.record = record
        self.size = 0
        self._files = files
        self._written = bytearray()

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self._written).digest()

    async def write(self, data: bytes) -> None:
        await self._files._answer()
        if self._files.full:
            raise StoreFullError("the stream")
        self._written += data
        self.size += len(data)

    async def finish(self, expires: float) -> FileRecord:
        await self._files._answer()
        if self.record.file not in self._files.records:
            raise ConflictError(self.record.file, 0)
        sha256 = self.sha256.hex()
        self._files.content[self.record.file] = bytes(self._written)
        self._files.set(msgspec.structs.replace(self.record, bytes=self.size, sha256=sha256, expires=expires))
        return self._files.records[self.record.file]

    async def abandon(self) -> None:
        await self._files._answer()
        self._files.records.pop(self.record.file, None)
        self._files.entries.append(msgspec.structs.replace(self.record, deleted=True))
