"""The files that were uploaded for tasks, in an object store: written and read in parts, never held as a whole.

An id is used for one file only, so its parts have it too. The entry of a file is stored before its parts, without a
digest; again when it is whole; and again when it is deleted: the last one counts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import NamedTuple

import msgspec
from nats.aio.client import Client

from headway.errors import ConflictError, MalformedEventError, UnavailableError
from headway.jetstream.object_store import CHUNK_BYTES, ObjectInfo, ObjectStore, Parts, Purge, digest_of
from headway.jetstream.stored import Stored
from headway.records import FileRecord, decode_record
from headway.subjects import Names, is_name

AT_ONCE = 4
"""Parts of an upload that are on their way to NATS: half a megabyte. More are not faster (`bench`: 2 to 16)."""
TRIES = 25
"""How often a replica that is behind is read again, five seconds in all."""


class FileEntry(ObjectInfo, kw_only=True):
    """The entry of a file: what NATS knows of an object, and the record."""

    record: FileRecord


class Found(NamedTuple):
    """A file and the sequence of its last entry."""

    seq: int
    record: FileRecord


class FileStore:
    """The files of a namespace. Methods raise UnavailableError."""

    def __init__(self, client: Client, names: Names) -> None:
        self._objects = ObjectStore(client, names.files_bucket)

    async def get(self, file: str) -> FileRecord | None:
        """The record of a file, as the leader has it; None if there is none, or it is malformed."""
        found = await self._found(file)
        return None if found is None else found.record

    async def page(self, start: int) -> tuple[list[Found], int]:
        """Entries from sequence `start` on, in their order, and where the next page begins; `start` at the end."""
        page = await self._objects.entries(start)
        found = [Found(stored.seq, entry.record) for stored in page if (entry := _entry_of(stored)) is not None]
        return found, page[-1].seq + 1 if page else start

    async def begin(self, record: FileRecord) -> Upload:
        """Begin to store a new file. Raises StoreFullError."""
        seq = await self._put(record, "", 0, expected=0)
        return Upload(self._objects, record, seq)

    async def change(self, file: str, *, deleted: bool = False, expires: float | None = None) -> FileRecord | None:
        """Delete a file, or let it expire later. The changed record; None if there is no such file, or none any more.

        Whoever changes it at the same time is not overwritten: then it is read again.
        """
        while True:
            stored = await self._objects.last_entry(file)
            entry = None if stored is None else _entry_of(stored, file)
            if stored is None or entry is None or entry.record.deleted:
                return None
            record = msgspec.structs.replace(
                entry.record, deleted=deleted, expires=max(entry.record.expires, expires or 0.0)
            )
            with suppress(ConflictError):
                await self._put(record, entry.digest, entry.chunks, expected=stored.seq)
                return record

    async def read(self, file: str) -> AsyncIterator[bytes]:
        """The content of a whole file in parts, checked: the last part comes only when all are what was uploaded."""
        stored = await self._objects.last_entry(file)
        entry = None if stored is None else _entry_of(stored, file)
        if entry is None or not entry.record.whole:
            raise UnavailableError(f"file {file} is not there")
        sha, held = hashlib.sha256(), b""
        async for part in self._objects.parts(entry, tries=TRIES):
            if held:
                yield held
            sha.update(part)
            held = part
        if digest_of(sha.digest()) != entry.digest:
            raise UnavailableError(f"file {file} was read from a replica that is behind, or is damaged")
        if held:
            yield held

    async def remove(self, file: str, purge: Purge) -> None:
        """Remove what is stored of a file. May be repeated."""
        await self._objects.remove((file,), purge)

    async def _found(self, file: str) -> Found | None:
        stored = await self._objects.last_entry(file) if is_name(file) else None
        entry = None if stored is None else _entry_of(stored, file)
        return None if stored is None or entry is None else Found(stored.seq, entry.record)

    async def _put(self, record: FileRecord, digest: str, chunks: int, *, expected: int) -> int:
        return await _put_entry(self._objects, record, digest, chunks, expected)


class Upload:
    """A file that is being stored. `finish` or `abandon` ends it."""

    def __init__(self, objects: ObjectStore, record: FileRecord, seq: int) -> None:
        self.record = record
        self.size = 0
        """Bytes that were written."""
        self._objects = objects
        self._seq = seq
        self._sha = hashlib.sha256()
        self._held = bytearray()
        self._parts = Parts(self._put, AT_ONCE)

    async def write(self, data: bytes) -> None:
        """Store the next bytes; waits while the parts that are on their way are not acknowledged.

        Raises StoreFullError.
        """
        self.size += len(data)
        self._sha.update(data)
        self._held += data
        while len(self._held) >= CHUNK_BYTES:
            part = bytes(self._held[:CHUNK_BYTES])
            del self._held[:CHUNK_BYTES]
            await self._parts.write(part)

    @property
    def sha256(self) -> bytes:
        """The digest of what was written."""
        return self._sha.digest()

    async def finish(self, expires: float) -> FileRecord:
        """Store the rest, and that the file is whole until it `expires`, seconds since 1970.

        Raises StoreFullError, and ConflictError if it was removed meanwhile.
        """
        if self._held:
            await self._parts.write(bytes(self._held))
        await self._parts.finish()
        record = msgspec.structs.replace(self.record, bytes=self.size, sha256=self._sha.hexdigest(), expires=expires)
        await _put_entry(self._objects, record, digest_of(self.sha256), self._parts.count, self._seq)
        return record

    async def abandon(self) -> None:
        """Store no more, and that the file is deleted."""
        await self._parts.abort()
        record = msgspec.structs.replace(self.record, deleted=True)
        for expected in (self._seq, 0):  # 0: it was removed meanwhile, but for the parts that were stored later
            with suppress(ConflictError):
                await _put_entry(self._objects, record, "", 0, expected)
                return

    async def _put(self, place: int, part: bytes) -> int:
        return await self._objects.put_part(_called(self.record), self.record.file, place, part)


async def _put_entry(objects: ObjectStore, record: FileRecord, digest: str, chunks: int, expected: int) -> int:
    entry = FileEntry(
        name=record.file,
        bucket=objects.bucket,
        nuid=record.file,
        size=record.bytes,
        chunks=chunks,
        digest=digest,
        deleted=record.deleted,
        record=record,
    )
    return await objects.put_entry(_called(record), record.file, entry, expected=expected)


def _called(record: FileRecord) -> str:
    return f"the file {record.file}"


def _entry_of(stored: Stored, file: str = "") -> FileEntry | None:
    """The entry in a message; None for anything else, also for the entry of another file."""
    with suppress(MalformedEventError, binascii.Error, UnicodeDecodeError):
        name = file or base64.urlsafe_b64decode(stored.task).decode()
        entry = decode_record(stored.payload, FileEntry)
        if is_name(name) and name == entry.name == entry.nuid == entry.record.file:
            return entry
    return None
