"""The files of a task, as its handler reads them: in parts, on the event loop or in a thread, never as a whole."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from headway.errors import TaskError, UnavailableError
from headway.ownership import Ownership
from headway.records import FileRecord

READ_BYTES = 128 * 1024
T = TypeVar("T")


class FileSource(Protocol):
    """Where files are kept: `headway.jetstream.file_store.FileStore`. Methods raise UnavailableError."""

    async def get(self, file: str) -> FileRecord | None:
        """The record of a file; None if there is none."""

    def read(self, file: str) -> AsyncIterator[bytes]:
        """The content of a whole file in parts, checked: the last one comes only when all are right."""


class TaskFiles:
    """The files that one task may read: those of its owner. Made on the event loop that `source` belongs to."""

    def __init__(self, source: FileSource, ownership: Ownership) -> None:
        self._source = source
        self._ownership = ownership
        self._loop = asyncio.get_running_loop()

    def open(self, file: str) -> OpenedFile:
        """A file, for `with` or `async with`."""
        return OpenedFile(file, self)

    async def find(self, file: str) -> FileRecord:
        """The record of a file. Raises TaskError, the same for an absent file and one of somebody else."""
        record = await self.here(_available(self._source.get(file)))
        if record is None or not record.whole or record.ownership != self._ownership:
            raise TaskError(
                f"There is no file {file!r}: it was deleted, or has expired. Upload it again, and start a new task.",
                type="FileMissing",
                retryable=False,
            )
        if record.expires <= time.time():
            until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(record.expires))
            raise TaskError(
                f"The file {record.name!r} has expired: it was kept until {until}. Upload it again, and start a new "
                "task.",
                type="FileExpired",
                retryable=False,
            )
        return record

    def parts(self, record: FileRecord) -> AsyncIterator[bytes]:
        """The content of a file."""
        return self._source.read(record.file)

    async def here(self, call: Coroutine[Any, Any, T]) -> T:
        """The outcome of `call` on the loop of the source, awaited on any."""
        if asyncio.get_running_loop() is self._loop:
            return await call
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._loop))

    def wait(self, call: Coroutine[Any, Any, T]) -> T:
        """The outcome of `call`, in a thread. Raises TaskError on the event loop, which would wait for itself."""
        try:
            on_loop = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            on_loop = False
        if on_loop:
            call.close()
            raise TaskError(
                "A handler on the event loop opens a file with `async with job.open(…)`.",
                type="FileOpenedOnLoop",
                retryable=False,
            )
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()


class OpenedFile:
    """What `job.open` returns: a context manager, in a thread `with`, on the event loop `async with`."""

    def __init__(self, file: str, files: TaskFiles) -> None:
        self._file = file
        self._files = files
        self._reader: FileReader | None = None

    async def __aenter__(self) -> FileParts:
        return FileParts(await self._files.find(self._file), self._files)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __enter__(self) -> FileReader:
        record = self._files.wait(self._files.find(self._file))
        self._reader = FileReader(FileParts(record, self._files), self._files)
        return self._reader

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.close()


class FileParts:
    """A file as parts of bytes: iterate over it with ``async for``. What is left out of it is not read."""

    def __init__(self, record: FileRecord, files: TaskFiles) -> None:
        self.name = record.name
        """What its owner calls it: shown to people, and no path."""
        self.bytes = record.bytes
        """Its size."""
        self.sha256 = record.sha256
        """Of its content, in hexadecimal digits."""
        self.content_type = record.content_type
        """As its sender has declared it: believe it no more than the name."""
        self._files = files
        self._parts = files.parts(record)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        part = await self._files.here(self.take())
        if not part:
            raise StopAsyncIteration
        return part

    async def take(self) -> bytes:
        """The next part; empty at the end. On the loop of the source. Raises TaskError."""
        return await _available(anext(self._parts, b""))


class FileReader(io.BufferedReader):
    """A file as a binary stream, as `open` returns it for files of the machine. It can be read once, from its begin."""

    def __init__(self, parts: FileParts, files: TaskFiles) -> None:
        super().__init__(_RawParts(parts, files), READ_BYTES)
        self.file = parts
        """Its name, size and type."""


class _RawParts(io.RawIOBase):
    def __init__(self, parts: FileParts, files: TaskFiles) -> None:
        self._parts = parts
        self._files = files
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(self._files.wait(self._parts.take()))
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


async def _available(call: Awaitable[T]) -> T:
    """The outcome of `call`. Raises a TaskError, after which another attempt may succeed, for UnavailableError."""
    try:
        return await call
    except UnavailableError as error:
        raise TaskError(f"The file could not be read: {error}", type="FileUnavailable", retryable=True) from error
