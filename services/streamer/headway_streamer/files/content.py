"""Whether the content of a file can be what it is said to be. What a kind needs of it, the kind itself checks."""

from __future__ import annotations

import codecs

SNIFFED_BYTES = 8 * 1024
_TEXT_TYPES = frozenset(("application/json", "application/xml", "application/x-ndjson", "application/csv"))
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_GZIP = b"\x1f\x8b"
_GZIP_TYPES = frozenset(("application/gzip", "application/x-gzip"))


def misfit(content_type: str, begin: bytes) -> str:
    """Why a file that begins with these bytes is not of its type; empty when it may be.

    >>> misfit("text/csv", b"a;b"), misfit("text/csv", b"PK" + bytes(9))
    ('', 'is declared as text/csv and holds binary data')
    """
    if content_type in _GZIP_TYPES and not begin.startswith(_GZIP):
        return f"is declared as {content_type} and is not compressed"
    is_text = content_type.startswith("text/") or content_type in _TEXT_TYPES
    if not is_text or begin.startswith((*_WIDE, _GZIP)):  # a compressed table is often declared as a table
        return ""
    # UTF-16 without a mark has many zeros, all of them in one half of each letter; nothing else that is text has any.
    zeros = begin.count(0)
    wide = zeros * 4 >= len(begin) and (0 in begin[::2]) != (0 in begin[1::2])
    return f"is declared as {content_type} and holds binary data" if zeros and not wide else ""
