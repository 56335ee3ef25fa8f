"""The bytes of one connection: HTTP chunks removed, event numbers and ids parsed."""

from __future__ import annotations

import re
from itertools import pairwise

from bench.harness.payload import NUMBER, STAMP

_ID = re.compile(rb"^id: ?(.*?)\r?$", re.MULTILINE)


class Recording:
    """The bytes that one connection has received, with the monotonic time of arrival in nanoseconds."""

    def __init__(self, number: int) -> None:
        self.number = number
        """Index of its request."""
        self.pieces: list[tuple[int, bytes]] = []
        self._last_n = 0

    def add(self, arrived: int, data: bytes) -> None:
        """Append received data."""
        self.pieces.append((arrived, data))

    def forget(self) -> None:
        """Drop the data but the last number, which the next one must follow."""
        self._last_n = [self._last_n, *self.numbers()][-1]
        self.pieces.clear()

    def text(self) -> bytes:
        """The body of the response."""
        data = b"".join(piece for _, piece in self.pieces)
        if not data.startswith(b"HTTP/"):
            return _unchunked(data)
        head, _, rest = data.partition(b"\r\n\r\n")
        return _unchunked(rest) if b"chunked" in head.lower() else rest

    def numbers(self) -> list[int]:
        """The `n` of the marked events, in order of arrival."""
        return [int(NUMBER.search(line)[1]) for line in self.text().split(b"\n") if STAMP.search(line)]  # type: ignore[index]

    def holes(self) -> int:
        """How often a number is not the successor of the one before it."""
        numbers = self.numbers()
        if self._last_n:
            numbers.insert(0, self._last_n)
        return sum(after != before + 1 for before, after in pairwise(numbers))

    def last_id(self) -> str:
        """The last id, which a browser would send as Last-Event-ID."""
        found = _ID.findall(self.text())
        return found[-1].decode() if found else ""


_SIZE = re.compile(rb"[0-9a-fA-F]+")


def _unchunked(data: bytes) -> bytes:
    """The content of chunked data that may begin and end anywhere; data that is not chunked is returned as it is."""
    parts, at = [], 0
    while at < len(data):
        line_end = data.find(b"\r\n", at)
        if line_end < 0 or not _SIZE.fullmatch(data, at, line_end):
            return data
        size = int(data[at:line_end], 16)
        parts.append(data[line_end + 2 : line_end + 2 + size])
        at = line_end + 2 + size + 2
    return b"".join(parts)
