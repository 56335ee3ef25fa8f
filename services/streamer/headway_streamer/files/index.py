"""The files that are stored, as their entries say: each look reads what was stored since the last one."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from headway.ownership import Ownership
from headway.records import FileRecord
from headway_streamer.files.ports import Files

ENTRY_BYTES = 2048
"""What a file counts beside its content: its entries."""


class FileIndex:
    """Records of all files that have not expired, by id. `refresh` raises UnavailableError.

    Args:
        incarnation: of the store; when it is another one, all is read again.
        clock: seconds since 1970.
    """

    def __init__(self, files: Files, incarnation: Callable[[], str], clock: Callable[[], float] = time.time) -> None:
        self._files = files
        self._incarnation = incarnation
        self._clock = clock
        self._read_of = ""
        self._start = 1
        self._records: dict[str, FileRecord] = {}
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> None:
        """Read what was stored since the last time."""
        async with self._refreshing:
            if self._read_of != self._incarnation():
                self._read_of, self._start = self._incarnation(), 1
                self._records.clear()
            while True:
                found, start = await self._files.page(self._start)
                if start == self._start:
                    break
                self._start = start
                for _, record in found:
                    self.note(record)
        now = self._clock()
        for file in [file for file, record in self._records.items() if record.expires <= now]:
            del self._records[file]

    def note(self, record: FileRecord) -> None:
        """Take a record that was just stored, or read."""
        if record.deleted:
            self._records.pop(record.file, None)
        else:
            self._records[record.file] = record

    def of(self, ownership: Ownership) -> list[FileRecord]:
        """The files of an owner, also those that are not whole, the newest first."""
        found = (record for record in self._records.values() if record.ownership == ownership)
        return sorted(found, key=lambda record: (record.created, record.file), reverse=True)

    def bytes_by_tenant(self) -> dict[str, int]:
        """The bytes of all files, by tenant."""
        found = Counter[str]()
        for record in self._records.values():
            found[record.tenant] += size_of(record)
        return dict(found)


def size_of(record: FileRecord) -> int:
    """What a file counts against quotas, in bytes."""
    return ENTRY_BYTES + record.bytes
