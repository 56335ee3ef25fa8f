"""Uploads: what is checked before a file is taken and while it arrives. Nothing of it is held but a few parts."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec

from headway.errors import ConflictError, StoreFullError, UnavailableError
from headway.ids import new_file
from headway.ownership import Ownership
from headway.records import FileRecord
from headway_streamer.access.principal import Principal
from headway_streamer.files.content import SNIFFED_BYTES, misfit
from headway_streamer.files.index import ENTRY_BYTES, FileIndex, size_of
from headway_streamer.files.names import ANY_TYPE
from headway_streamer.files.ports import Files, Upload
from headway_streamer.limits.caller import Caller, owner_key
from headway_streamer.limits.limits import Limits
from headway_streamer.problems import Problem, too_many_files
from headway_streamer.settings import PREFIX, Settings
from headway_streamer.tasks.capacity import StoreCapacity
from headway_streamer.tasks.store import TaskStore

MAX_UPLOADS = 32
"""Uploads at a time: each holds less than a megabyte, and they share the connection to NATS."""
MAX_FILES = 1_000
"""Files of one owner at a time: streamers hold the records of all."""
UPLOAD_SECONDS = 3600.0
"""In this time an upload must end. What is left of one whose streamer has ended counts for as long."""

logger = logging.getLogger(__name__)


class Announced(NamedTuple):
    """What a client says of a file before it sends it."""

    name: str
    content_type: str
    length: int | None
    """In bytes; None where the client does not know it."""
    sha256: bytes | None = None


class Uploads:
    """Takes files. See `take`."""

    def __init__(
        self,
        settings: Settings,
        files: Files,
        index: FileIndex,
        task_store: TaskStore,
        capacity: StoreCapacity,
        limits: Limits,
        *,
        retention_seconds: float,
    ) -> None:
        self._most = settings.max_file_bytes
        self._most_of_owner = settings.max_owner_file_bytes
        self._life_seconds = min(settings.file_seconds, retention_seconds)
        self._files = files
        self._index = index
        self._task_store = task_store
        self._capacity = capacity
        self._limits = limits
        self._open = 0

    async def take(
        self, principal: Principal, caller: Caller, announced: Announced, body: AsyncIterator[bytes]
    ) -> FileRecord:
        """Store a file. It counts as a submitted task against the rates of `caller`, also when it is refused.

        Raises LimitedError, QuotaError, StoreFullError, UnavailableError and a Problem; then nothing is left of it.
        """
        self._limits.submit(caller)
        self._check_size(announced.length or 0)
        if self._open >= MAX_UPLOADS:
            detail = "This streamer takes as many files as it can at a time. Nothing was stored. Try again."
            raise Problem(503, "Service Unavailable", detail, headers={"Retry-After": "5"})
        self._open += 1
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                return await self._take(principal, caller, announced, body)
        except TimeoutError as error:
            raise _late() from error
        finally:
            self._open -= 1

    async def _take(
        self, principal: Principal, caller: Caller, announced: Announced, body: AsyncIterator[bytes]
    ) -> FileRecord:
        announced_bytes = announced.length or 0
        room = await self._room(principal, caller)
        self._check_room(room, announced_bytes, caller, principal)
        self._admit(principal, ENTRY_BYTES + announced_bytes)
        upload = await self._begin(principal, announced)
        whole = False
        try:
            async for part in body:
                self._check_size(upload.size + len(part))
                if announced.length is None:
                    self._check_room(room, upload.size + len(part), caller, principal)
                    self._admit(principal, len(part))
                if not upload.size:
                    _check_begin(announced.content_type, part)
                await upload.write(part)
            _check_whole(upload, announced)
            record = await upload.finish(round(time.time() + self._life_seconds, 3))
            whole = True
        except ConflictError as error:
            raise _late() from error
        except StoreFullError as error:
            self._capacity.note_full(error)
            raise
        finally:
            if not whole:
                await self._abandon(upload)
        self._index.note(record)
        return record

    async def _begin(self, principal: Principal, announced: Announced) -> Upload:
        now = time.time()
        record = FileRecord(
            file=new_file(),
            created=round(now, 3),
            expires=round(now + UPLOAD_SECONDS, 3),
            bytes=announced.length or 0,
            name=announced.name,
            content_type=announced.content_type,
            owner=principal.owner,
            tenant=principal.tenant,
        )
        upload = await self._files.begin(record)
        self._index.note(record)
        return upload

    async def _abandon(self, upload: Upload) -> None:
        self._index.note(msgspec.structs.replace(upload.record, deleted=True))
        try:
            await upload.abandon()
        except UnavailableError as error:  # it expires
            extra = {"action": "upload_left", "file": upload.record.file, "error": str(error)}
            logger.info("an upload that was cut could not be removed", extra=extra)

    async def _room(self, principal: Principal, caller: Caller) -> int:
        """The bytes that the owner may store now. Raises a Problem if it has too many files."""
        await self._index.refresh()
        held = self._index.of(Ownership(principal.owner, principal.tenant))
        if len(held) >= MAX_FILES:
            self._note("files_per_owner", caller, principal)
            raise too_many_files(f"you have {len(held):,} files, as many as you may")
        return (self._most_of_owner or sys.maxsize) - sum(map(size_of, held))

    def _check_room(self, room: int, size_bytes: int, caller: Caller, principal: Principal) -> None:
        if size_bytes + ENTRY_BYTES > room:
            self._note("file_bytes_per_owner", caller, principal)
            most = self._most_of_owner
            raise too_many_files(
                f"your files use {most - room:,} of {most:,} bytes, and this one needs at least {size_bytes:,}"
            )

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._most:
            raise Problem(
                413,
                "Content Too Large",
                f"Nothing was stored: a file has at most {self._most:,} bytes ({PREFIX}MAX_FILE_BYTES).",
            )

    def _admit(self, principal: Principal, size_bytes: int) -> None:
        """Count so many bytes. Raises QuotaError and StoreFullError."""
        self._task_store.check_quota(principal.tenant, size_bytes)
        if (rejection := self._capacity.rejection_of_file(size_bytes)) is not None:
            raise rejection

    def _note(self, limit: str, caller: Caller, principal: Principal) -> None:
        self._limits.note(limit, caller, owner_key(principal.tenant, principal.owner))


def _check_begin(content_type: str, part: bytes) -> None:
    if why := misfit(content_type, part[:SNIFFED_BYTES]):
        detail = f"Nothing was stored: the file {why}. Send its own type, or `{ANY_TYPE}`."
        raise Problem(422, "Content does not fit", detail)


def _check_whole(upload: Upload, announced: Announced) -> None:
    if not upload.size:
        raise Problem(422, "Content does not fit", "Nothing was stored: the file is empty.")
    if announced.sha256 is not None and upload.sha256 != announced.sha256:
        detail = "Nothing was stored: what arrived has another SHA-256 than the request names. Send it again."
        raise Problem(422, "Content does not fit", detail)


def _late() -> Problem:
    return Problem(408, "Request Timeout", f"Nothing was stored: the file took longer than {UPLOAD_SECONDS:g} s.")
