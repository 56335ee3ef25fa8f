"""Results that were too large for an event: an object store, read by DIRECT GET and written without deletions.

So neither reading nor writing needs a consumer or the right to purge, which cannot be limited to one object. Removing
needs that right.
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-20.md
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import msgspec
from nats.aio.client import Client

from headway.errors import LogError, TooLargeError, UnavailableError
from headway.jetstream.direct_get import DirectGet
from headway.jetstream.publisher import Publisher
from headway.jetstream.stored import Stored
from headway.subjects import Names, is_name

TIMEOUT_SECONDS = 5.0
CHUNK_BYTES = 128 * 1024
MAX_BYTES = 256 * 1024 * 1024
"""Largest result that is stored or read: it is held in memory as a whole."""
PAGE_BYTES = 1024 * 1024
ALGORITHM = "SHA-256="

Purge = Callable[[str, str], Awaitable[None]]
"""Removes the messages of a subject from a stream."""


class ObjectInfo(msgspec.Struct, kw_only=True):
    """What the object store keeps about an object, as far as it is used here."""

    name: str
    bucket: str
    nuid: str
    size: int
    chunks: int
    digest: str = ""
    deleted: bool = False


class ResultStore:
    """Results by task. Methods raise UnavailableError; they may be repeated."""

    def __init__(self, client: Client, names: Names) -> None:
        self._bucket = names.results_bucket
        self._publisher = Publisher(client, timeout_seconds=TIMEOUT_SECONDS)
        self._stream = f"OBJ_{names.results_bucket}"
        self._direct = DirectGet(client, self._stream, timeout_seconds=TIMEOUT_SECONDS)

    async def put(self, task: str, result: bytes) -> None:
        """Store the result of a task in place of an earlier one. Raises TooLargeError and StoreFullError."""
        what = f"the result of {task}"
        if len(result) > MAX_BYTES:
            raise TooLargeError(what, len(result), MAX_BYTES)
        digest = hashlib.sha256(result).digest()
        # The same for the same result: the server drops the parts that an earlier try has stored.
        nuid = hashlib.sha256(task.encode() + digest).hexdigest()[:22]
        pieces = range(0, len(result), CHUNK_BYTES)
        info = ObjectInfo(
            name=task,
            bucket=self._bucket,
            nuid=nuid,
            size=len(result),
            chunks=len(pieces),
            digest=_digest(digest),
        )
        # First, so that `remove` finds the parts of a writer that has ended before the entry was stored.
        await self._publisher.store(what, self._begun(task), msgspec.json.encode(info))
        for place, start in enumerate(pieces):
            piece = result[start : start + CHUNK_BYTES]
            await self._publisher.store(what, self._chunks(nuid), piece, msg_id=f"{nuid}.{place}")
        await self._publisher.store(what, self._meta(task), msgspec.json.encode(info))

    async def get(self, task: str) -> bytes | None:
        """The JSON of the result of `task`; None if it is not kept here."""
        info = await self._info(task)
        if info is None or info.deleted:
            return None
        found = bytearray()
        async for piece in self._pieces(info):
            found += piece
        if info.digest != _digest(hashlib.sha256(found).digest()):
            raise UnavailableError(f"the result of {task} was read from a replica that is behind, or is damaged")
        return bytes(found)

    async def remove(self, task: str, purge: Purge) -> None:
        """Remove all results of a task, also those that were replaced or not stored to their end."""
        entries = (self._begun(task), self._meta(task))
        for nuid in {nuid for subject in entries for nuid in await self._nuids(subject)}:
            await purge(self._stream, self._chunks(nuid))
        for subject in entries:  # after the parts, which an interrupted removal would not find without them
            await purge(self._stream, subject)

    async def _nuids(self, subject: str) -> set[str]:
        """The ids of the parts of all entries that were stored on `subject`."""
        found, start = set[str](), 1
        while page := (await self._direct.get({"next_by_subj": subject, "seq": start, "batch": 256}))[0]:
            for stored in page:
                with suppress(msgspec.DecodeError):
                    found.add(msgspec.json.decode(stored.payload, type=ObjectInfo).nuid)
            start = page[-1].seq + 1
        return {nuid for nuid in found if is_name(nuid)}  # a third party's could match the parts of others

    async def _info(self, task: str) -> ObjectInfo | None:
        try:
            found, _ = await self._direct.get({"multi_last": [self._meta(task)]})
        except UnavailableError as error:
            raise UnavailableError(f"result of {task}: {error}") from error
        if not found:
            return None
        try:
            info = msgspec.json.decode(found[0].payload, type=ObjectInfo)
        except msgspec.DecodeError as error:
            raise UnavailableError(f"the entry of the result of {task} is malformed: {error}") from error
        if info.size > MAX_BYTES:
            raise UnavailableError(f"the result of {task} has {info.size} bytes, more than {MAX_BYTES}")
        return info

    async def _pieces(self, info: ObjectInfo) -> AsyncIterator[bytes]:
        """The parts in order, each once, and no more than the entry announces."""
        start, left, known = 1, info.chunks, set[str]()
        while left > 0 and (page := await self._page(info, start)):
            for stored in page:
                if left > 0 and not (stored.msg_id and stored.msg_id in known):
                    known.add(stored.msg_id)
                    left -= 1
                    yield stored.payload
            start = page[-1].seq + 1

    async def _page(self, info: ObjectInfo, start: int) -> list[Stored]:
        request = {"next_by_subj": self._chunks(info.nuid), "seq": start, "batch": 256, "max_bytes": PAGE_BYTES}
        try:
            found, _ = await self._direct.get(request)
        except LogError as error:
            raise UnavailableError(f"result of {info.name}: {error}") from error
        return found

    def _chunks(self, nuid: str) -> str:
        return f"$O.{self._bucket}.C.{nuid}"

    def _meta(self, task: str) -> str:
        return f"$O.{self._bucket}.M.{base64.urlsafe_b64encode(task.encode()).decode()}"

    def _begun(self, task: str) -> str:
        return self._meta(f"{task}.begun")  # no task has a dot in its id


def _digest(sha: bytes) -> str:
    return ALGORITHM + base64.urlsafe_b64encode(sha).decode()
