"""A gzip file as a stream of bytes, in bounded memory and with a bound on how much it grows."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from headway import TaskError

MAX_RATIO = 200
"""Tables are seldom more than 50 times as large as their gzip file; zeros are 1,000 times as large."""
FREE_BYTES = 100 * 1024 * 1024
"""A file may unpack to this much whatever its ratio."""
READ_BYTES = 64 * 1024
_GZIP_BITS = 31


class GrowsTooMuchError(TaskError):
    """A gzip file that unpacks to far more than tables do; not retryable."""

    def __init__(self) -> None:
        super().__init__(
            f"The gzip file unpacks to more than {MAX_RATIO} times its size. If it is a table, extract it, and try "
            "again with the CSV file in it.",
            type="TooLarge",
            retryable=False,
        )


class Gunzip(io.RawIOBase):
    """The content of `packed`, a gzip file at its beginning, which may have several members.

    `check` is called before each read of `packed`; what it raises ends the reading. Reading raises EOFError when the
    file is truncated, zlib.error when it is damaged, and GrowsTooMuchError.
    """

    def __init__(self, packed: BinaryIO, check: Callable[[], None] = lambda: None) -> None:
        self._packed = packed
        self._check = check
        self._member = zlib.decompressobj(_GZIP_BITS)
        self._begun = False
        """Whether bytes of the current member were read."""
        self._waiting = b""
        self._in = self._out = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with the next bytes; return how many, 0 at the end."""
        while True:
            if not self._waiting and not self._read():
                return 0
            piece = self._member.decompress(self._waiting, len(buffer))
            self._waiting = self._member.unconsumed_tail
            if self._member.eof:
                self._next_member()
            if piece:
                self._count(len(piece))
                buffer[: len(piece)] = piece
                return len(piece)

    def _read(self) -> bool:
        """Read the next bytes of the file; return False at its end."""
        self._check()
        while data := self._packed.read(READ_BYTES):
            self._in += len(data)
            self._waiting = data if self._begun else data.lstrip(b"\0")  # padding behind a member
            if self._waiting:
                self._begun = True
                return True
        if self._begun:
            raise EOFError("it ends within the compressed data")
        return False

    def _next_member(self) -> None:
        self._waiting = self._member.unused_data.lstrip(b"\0")
        self._member = zlib.decompressobj(_GZIP_BITS)
        self._begun = bool(self._waiting)

    def _count(self, size: int) -> None:
        self._out += size
        if self._out > max(FREE_BYTES, MAX_RATIO * self._in):
            raise GrowsTooMuchError
