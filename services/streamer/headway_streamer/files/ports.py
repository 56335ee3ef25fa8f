"""What the rules about files need of the store. `headway.jetstream` implements it, `headway.testing` in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from headway.jetstream.file_store import Found
from headway.records import FileRecord


class Upload(Protocol):
    """A file that is being stored. `finish` or `abandon` ends it."""

    record: FileRecord
    size: int
    """Bytes that were written."""

    @property
    def sha256(self) -> bytes:
        """The digest of what was written."""

    async def write(self, data: bytes) -> None:
        """Store the next bytes; waits while NATS is slower. Raises StoreFullError and UnavailableError."""

    async def finish(self, expires: float) -> FileRecord:
        """Store that the file is whole, and when it expires. Raises StoreFullError, UnavailableError, ConflictError."""

    async def abandon(self) -> None:
        """Store that the file is deleted. Raises UnavailableError."""


class Files(Protocol):
    """The files of a namespace. Methods raise UnavailableError."""

    async def get(self, file: str) -> FileRecord | None:
        """The record of a file; None if there is none."""

    async def page(self, start: int) -> tuple[Sequence[Found], int]:
        """Entries from sequence `start` on, and where the next page begins; `start` at the end."""

    async def begin(self, record: FileRecord) -> Upload:
        """Begin to store a new file. Raises StoreFullError."""

    async def change(self, file: str, *, deleted: bool = False, expires: float | None = None) -> FileRecord | None:
        """Delete a file, or let it expire later. None if there is no such file."""

    def read(self, file: str) -> AsyncIterator[bytes]:
        """The content of a whole file."""
