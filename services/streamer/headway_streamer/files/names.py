"""What a client says of a file: its name, its type, the digest of its content. Pure; everything is hostile."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from urllib.parse import quote, unquote_to_bytes

from headway_streamer.problems import Problem

MAX_NAME_CHARS = 200
UNNAMED = "file"
ANY_TYPE = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_EXTENDED = re.compile(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]*)", re.IGNORECASE)
_QUOTED = re.compile(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_PLAIN = re.compile(r"filename\s*=\s*([^;\s\"]+)", re.IGNORECASE)
_DIGEST = re.compile(r"(?:^|[,\s])sha-256\s*=\s*:?([A-Za-z0-9+/=_-]+):?", re.IGNORECASE)


def clean_name(name: str) -> str:
    """The last part of a path, as one line of printable characters, at most 200; "file" when nothing is left.

    >>> clean_name("..\\\\a/\\u202eb\\n.csv"), clean_name("/")
    ('b.csv', 'file')
    """
    shown = unicodedata.normalize("NFC", re.split(r"[/\\]", name[: 16 * MAX_NAME_CHARS])[-1])
    kept = "".join(letter for letter in shown if letter.isprintable()).strip(" .")
    if len(kept) > MAX_NAME_CHARS:
        stem, dot, end = kept.rpartition(".")
        end = dot + end if stem and len(end) <= 16 else ""
        kept = kept[: MAX_NAME_CHARS - len(end)] + end
    return kept.strip(" .") or UNNAMED


def name_of(disposition: str, query: str) -> str:
    """The name in a Content-Disposition header (RFC 6266), or else in the query; cleaned."""
    if query:
        return clean_name(query)
    if found := _EXTENDED.search(disposition):
        return clean_name(unquote_to_bytes(found[1]).decode("utf-8", "replace"))
    if found := _QUOTED.search(disposition):
        return clean_name(re.sub(r"\\(.)", r"\1", found[1]))
    found = _PLAIN.search(disposition)
    return clean_name(found[1] if found else "")


def type_of(header: str, *, disposition: bool) -> str:
    """The media type without parameters. Raises a Problem for a form, which is not the content of a file.

    The page of another site can send `text/plain` without asking, but no Content-Disposition (Fetch standard,
    CORS-safelisted request-header).
    """
    found = header.partition(";")[0].strip().lower()
    if found in _FORMS:
        raise _unsupported(f"The body is the content of the file, not a form: send it as `{ANY_TYPE}`.")
    if found == "text/plain" and not disposition:
        raise _unsupported('Send `Content-Disposition: attachment; filename="…"` with a file of the type text/plain.')
    if found and not _TYPE.fullmatch(found):
        raise _unsupported(f"Content-Type is not a media type: send `{ANY_TYPE}` if none fits.")
    return found or ANY_TYPE


def digest_of(header: str) -> bytes | None:
    """The SHA-256 that a `Content-Digest` (RFC 9530) or `Digest` header names; None for none. Raises a Problem."""
    if not header:
        return None
    found = _DIGEST.search(header)
    try:
        raw = base64.b64decode(found[1], validate=True) if found else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise Problem(400, "Bad digest", "Send `Content-Digest: sha-256=:…:`, with the digest in base64, or none.")
    return raw


def attachment(name: str) -> str:
    """The Content-Disposition with which a browser saves a file under `name`.

    >>> attachment('a "b".csv')
    "attachment; filename*=UTF-8''a%20%22b%22.csv"
    """
    return f"attachment; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'), safe='')}"


def _unsupported(detail: str) -> Problem:
    return Problem(415, "Unsupported Media Type", detail)
