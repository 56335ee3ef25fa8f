"""The files of those who ask: each sees and deletes their own, and no one else's."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from headway.ownership import Ownership
from headway.records import FileRecord
from headway_streamer.files.index import FileIndex
from headway_streamer.files.ports import Files
from headway_streamer.files.uploads import Uploads
from headway_streamer.problems import not_found


class UserFiles:
    """Finds, reads and deletes files; `uploads` takes new ones. Raises UnavailableError."""

    def __init__(self, files: Files, index: FileIndex, uploads: Uploads) -> None:
        self.uploads = uploads
        self._files = files
        self._index = index

    async def of(self, ownership: Ownership) -> list[FileRecord]:
        """The whole files of an owner, the newest first."""
        await self._index.refresh()
        return [record for record in self._index.of(ownership) if record.whole]

    async def get(self, file: str, ownership: Ownership) -> FileRecord:
        """A file of an owner. Raises a Problem, the same for a file that does not exist and one of somebody else."""
        record = await self._files.get(file)
        if record is None or not record.whole or record.ownership != ownership or record.expires <= time.time():
            raise not_found("There is no such file.")
        return record

    def read(self, record: FileRecord) -> AsyncIterator[bytes]:
        """The content of a file."""
        return self._files.read(record.file)

    async def delete(self, file: str, ownership: Ownership) -> None:
        """Delete a file of an owner: no task can use it from now on, and a processor removes it. Raises a Problem."""
        await self.get(file, ownership)
        record = await self._files.change(file, deleted=True)
        if record is None:
            raise not_found("There is no such file.")
        self._index.note(record)
