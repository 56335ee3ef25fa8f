"""Results that were too large for an event, in an object store."""

from __future__ import annotations

import hashlib

import msgspec
from nats.aio.client import Client

from headway.errors import TooLargeError, UnavailableError
from headway.jetstream.object_store import CHUNK_BYTES, ObjectInfo, ObjectStore, Purge, digest_of
from headway.subjects import Names

MAX_BYTES = 256 * 1024 * 1024
"""Largest result that is stored or read: it is held in memory as a whole."""


class ResultStore:
    """Results by task. Methods raise UnavailableError; they may be repeated."""

    def __init__(self, client: Client, names: Names) -> None:
        self._objects = ObjectStore(client, names.results_bucket)

    async def put(self, task: str, result: bytes) -> None:
        """Store the result of a task in place of an earlier one. Raises TooLargeError and StoreFullError."""
        what, objects = f"the result of {task}", self._objects
        if len(result) > MAX_BYTES:
            raise TooLargeError(what, len(result), MAX_BYTES)
        digest = hashlib.sha256(result).digest()
        # The same for the same result: the server drops the parts that an earlier try has stored.
        nuid = hashlib.sha256(task.encode() + digest).hexdigest()[:22]
        pieces = range(0, len(result), CHUNK_BYTES)
        info = ObjectInfo(
            name=task,
            bucket=objects.bucket,
            nuid=nuid,
            size=len(result),
            chunks=len(pieces),
            digest=digest_of(digest),
        )
        # First, so that `remove` finds the parts of a writer that has ended before the entry was stored.
        await objects.put_entry(what, _begun(task), info)
        for place, start in enumerate(pieces):  # one at a time: a repetition continues where this one has ended
            await objects.put_part(what, nuid, place, result[start : start + CHUNK_BYTES])
        await objects.put_entry(what, task, info)

    async def get(self, task: str) -> bytes | None:
        """The JSON of the result of `task`; None if it is not kept here."""
        info = await self._info(task)
        if info is None or info.deleted:
            return None
        found = bytearray()
        try:
            async for piece in self._objects.parts(info):
                found += piece
        except UnavailableError as error:
            raise UnavailableError(f"result of {task}: {error}") from error
        if info.digest != digest_of(hashlib.sha256(found).digest()):
            raise UnavailableError(f"the result of {task} was read from a replica that is behind, or is damaged")
        return bytes(found)

    async def remove(self, task: str, purge: Purge) -> None:
        """Remove all results of a task, also those that were replaced or not stored to their end."""
        await self._objects.remove((_begun(task), task), purge)

    async def _info(self, task: str) -> ObjectInfo | None:
        try:
            found, _ = await self._objects.direct.get({"multi_last": [self._objects.entry(task)]})
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


def _begun(task: str) -> str:
    return f"{task}.begun"  # no task has a dot in its id
