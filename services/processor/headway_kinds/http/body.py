"""The bodies of responses. httpx decompresses without a bound, so it is kept from it, and this module does it.

A few kilobytes may hold gigabytes, and each further layer of compression multiplies that by up to a thousand. So a body
is decompressed in small pieces, as many as the caller takes, and only from a single layer.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator

import httpx

ACCEPTED = "gzip"
"""The value of Accept-Encoding that is sent."""
MAX_PIECE_BYTES = 64 * 1024
_KEY = "headway_content_coding"
_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 31, 15, -15
_NAMES = {"": "", "identity": "", "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


class ContentCodingError(httpx.DecodingError):
    """The body is compressed in a way that is not read, or is damaged. The message is for people."""


def take_coding(response: httpx.Response) -> None:
    """Remove the content coding from `response`, so that httpx hands out the body as it was sent."""
    response.extensions[_KEY] = response.headers.pop("Content-Encoding", "")


def coding_of(response: httpx.Response) -> str:
    """Return the content coding that `take_coding` found: `gzip`, `deflate` or empty.

    Raises ContentCodingError for any other, and for several.
    """
    value: str = response.extensions.get(_KEY, "")
    names = [name for part in value.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if len(names) > 1:
        raise ContentCodingError(f"the response is compressed several times ({value[:60]!r})")
    if names and names[0] not in _NAMES:
        raise ContentCodingError(f"the response is compressed as {names[0][:60]!r}, which was not asked for")
    return _NAMES[names[0]] if names else ""


async def read_body(response: httpx.Response, max_bytes: int) -> tuple[bytes, bool]:
    """Return at most `max_bytes` of the decompressed body, and whether it is longer. Raises ContentCodingError."""
    decoder = Decoder(coding_of(response))
    body = bytearray()
    async for data in response.aiter_bytes():
        for piece in decoder.pieces(data):
            body += piece
            if len(body) > max_bytes:
                return bytes(body[:max_bytes]), True
            await asyncio.sleep(0)  # a packet may hold a megabyte: others have their turn
    return bytes(body), False


class Decoder:
    """Decompresses a body of one content coding: `gzip`, `deflate`, or empty for none."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._begin = b""
        self._inner = zlib.decompressobj(_GZIP_BITS) if coding == "gzip" else None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data`, the next part of the body, holds, at most 64 KiB at a time. Raises ContentCodingError."""
        if not self._coding:
            yield data
            return
        if self._inner is None:
            data, self._begin = self._begin + data, b""
            if len(data) < 2:
                self._begin = data
                return
            self._inner = zlib.decompressobj(_deflate_bits(data))
        full = False
        while (data or full) and not self._inner.eof:
            try:
                piece = self._inner.decompress(data, MAX_PIECE_BYTES)
            except zlib.error as error:
                raise ContentCodingError("the compressed response is damaged") from error
            data = self._inner.unconsumed_tail
            full = len(piece) == MAX_PIECE_BYTES  # more may wait within zlib
            if piece:
                yield piece


def _deflate_bits(data: bytes) -> int:
    """The `wbits` for data that is called deflate. Some servers leave out the header of zlib (RFC 1950)."""
    has_header = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0
    return _ZLIB_BITS if has_header else _RAW_BITS
