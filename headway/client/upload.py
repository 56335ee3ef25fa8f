"""The content of a file that is uploaded, read in pieces: from its beginning for each try. No connections."""

from __future__ import annotations

import asyncio
import mimetypes
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, TypeAlias
from urllib.parse import quote

import msgspec

from headway.client.answer import Answer
from headway.errors import ClientError

FILES = "/api/v1/files"
TRIES = 4
PIECE_BYTES = 256 * 1024
ANY_TYPE = "application/octet-stream"
_TYPES = {".csv": "text/csv", ".gz": "application/gzip"}
"""By the end of the name, whatever the machine is configured for."""

FileSource: TypeAlias = str | os.PathLike[str] | BinaryIO
OnSent: TypeAlias = Callable[[int, int | None], object]
"""Called with the bytes that were sent so far, and with those of the whole file where they are known."""


class UploadedFile(msgspec.Struct, frozen=True):
    """A file that a streamer has stored. Its id, `file`, is what parameters of the type `headway.File` take."""

    file: str
    name: str
    bytes: int
    sha256: str
    """In hexadecimal digits."""
    content_type: str
    created: float
    """Seconds since 1970."""
    expires: float
    """After this time no task may use it, and it is removed."""


class Upload:
    """One file to upload: a path, or a binary file, which is read from where it is. Raises ClientError."""

    def __init__(self, source: FileSource, name: str, content_type: str, on_sent: OnSent | None) -> None:
        self._source = source
        self._on_sent = on_sent
        is_path = isinstance(source, str | os.PathLike)
        given = os.fspath(source) if isinstance(source, str | os.PathLike) else str(getattr(source, "name", ""))
        self.name = name or Path(given).name or "file"
        self.tries = TRIES if is_path else 1
        """A path is read again after a lost answer. What is left of the earlier try expires."""
        self.size = _size_of(source)
        """In bytes; None where it is not known."""
        self.headers = {
            "Content-Type": content_type or _type_of(self.name),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(self.name, safe='')}",
            **({} if self.size is None else {"Content-Length": str(self.size)}),
        }

    def pieces(self) -> Iterator[bytes]:
        """The content."""
        sent = 0
        with self._opened() as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
                sent += len(piece)
                if self._on_sent is not None:
                    self._on_sent(sent, self.size)

    async def async_pieces(self) -> AsyncIterator[bytes]:
        """The content, read in threads."""
        pieces = self.pieces()
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece

    def _opened(self) -> AbstractContextManager[BinaryIO]:
        if not isinstance(self._source, str | os.PathLike):
            return nullcontext(self._source)
        try:
            return Path(self._source).open("rb")
        except OSError as error:
            raise ClientError(f"{self._source}: {error.strerror}") from error


def read_answer(answer: Answer) -> UploadedFile:
    """The file that a streamer has stored. Raises ClientError."""
    try:
        return msgspec.convert(answer.object(), UploadedFile)
    except msgspec.ValidationError as error:
        raise answer.strange(f"did not answer a file: {error}") from error


def _type_of(name: str) -> str:
    return _TYPES.get(Path(name).suffix.lower()) or mimetypes.guess_type(name)[0] or ANY_TYPE


def _size_of(source: FileSource) -> int | None:
    try:
        if isinstance(source, str | os.PathLike):
            found, begun = Path(source).stat(), 0
        else:
            found, begun = os.fstat(source.fileno()), source.tell()
    except (OSError, AttributeError, ValueError):
        return None
    return found.st_size - begun if stat.S_ISREG(found.st_mode) else None
