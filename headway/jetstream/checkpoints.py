"""Checkpoints of tasks, in the object store of results: one subject for each task, whose old messages are purged.

A checkpoint is a first message, which says how many parts follow, and its parts. Its number is the sequence of the
first message. Two attempts may write at the same time: the log decides which of them is right, and names the number.
"""

from __future__ import annotations

import hashlib

import msgspec
from nats.aio.client import Client

from headway.checkpoint import MAX_STATE_BYTES, StoredCheckpoint, unpack
from headway.errors import DamagedError, TooLargeError
from headway.ids import nonce
from headway.jetstream.direct_get import DirectGet
from headway.jetstream.object_store import CHUNK_BYTES, PAGE_BYTES, TIMEOUT_SECONDS
from headway.jetstream.publisher import Publisher
from headway.jetstream.purge import Purger
from headway.jetstream.stored import Stored
from headway.subjects import Names


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """The first message of a checkpoint."""

    id: str
    """Begins the message ids of its parts."""
    parts: int
    size: int
    digest: str


class CheckpointStore:
    """Checkpoints by task. Methods raise UnavailableError; they may be repeated."""

    def __init__(self, client: Client, names: Names) -> None:
        self._subject = names.checkpoint
        self._stream = f"OBJ_{names.results_bucket}"
        self._publisher = Publisher(client, timeout_seconds=TIMEOUT_SECONDS)
        self._direct = DirectGet(client, self._stream, timeout_seconds=TIMEOUT_SECONDS)
        self._purger = Purger(client)

    async def put(self, task: str, packed: bytes) -> int:
        """Store a checkpoint, and return its number. Raises TooLargeError and StoreFullError."""
        what, subject, id = f"the checkpoint of {task}", self._subject(task), nonce()
        if len(packed) > MAX_STATE_BYTES:
            raise TooLargeError(what, len(packed), MAX_STATE_BYTES)
        pieces = range(0, len(packed), CHUNK_BYTES)
        digest = hashlib.sha256(packed).hexdigest()
        announcement = Announcement(id=id, parts=len(pieces), size=len(packed), digest=digest)
        first = await self._publisher.store(what, subject, msgspec.json.encode(announcement), msg_id=id)
        for place, start in enumerate(pieces):
            await self._publisher.store(what, subject, packed[start : start + CHUNK_BYTES], msg_id=f"{id}.{place}")
        return first.seq

    async def get(self, task: str, seq: int) -> StoredCheckpoint:
        """The checkpoint with that number. Raises DamagedError when it is not there, or not whole."""
        announced = await self._announcement(task, seq)
        found = bytearray()
        start, left = seq + 1, {f"{announced.id}.{place}" for place in range(announced.parts)}
        while left and (page := await self._page(task, start, 256)):
            for stored in page:
                if stored.msg_id in left:  # between them there may be those of another attempt
                    left.remove(stored.msg_id)
                    found += stored.payload
            start = page[-1].seq + 1
        if hashlib.sha256(found).hexdigest() != announced.digest:
            raise DamagedError(f"of the checkpoint {seq} of {task} parts are missing or damaged")
        try:
            return StoredCheckpoint(seq, unpack(bytes(found)), len(found))
        except ValueError as error:
            raise DamagedError(f"the checkpoint {seq} of {task} cannot be read: {error}") from error

    async def drop_before(self, task: str, seq: int) -> None:
        """Remove the checkpoints of the task below the number `seq`."""
        await self._purger.purge(self._stream, self._subject(task), seq)

    async def remove(self, task: str) -> None:
        """Remove all checkpoints of the task."""
        await self._purger.purge(self._stream, self._subject(task))

    async def _announcement(self, task: str, seq: int) -> Announcement:
        page = await self._page(task, seq, 1)
        if not page or page[0].seq != seq:
            raise DamagedError(f"the checkpoint {seq} of {task} is missing")
        try:
            return msgspec.json.decode(page[0].payload, type=Announcement)
        except msgspec.DecodeError as error:  # the store was emptied, and its sequences began again
            raise DamagedError(f"{seq} is not a checkpoint of {task}: {error}") from error

    async def _page(self, task: str, start: int, batch: int) -> list[Stored]:
        request = {"next_by_subj": self._subject(task), "seq": start, "batch": batch, "max_bytes": PAGE_BYTES}
        return (await self._direct.get(request))[0]
