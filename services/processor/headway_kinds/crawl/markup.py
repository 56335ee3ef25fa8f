"""The tags and text of an HTML page, in time and memory proportional to its length. No I/O.

Deliberately no tree is built. A tree builder follows the rules for unclosed tags, and with them a hostile page of 27 kB
makes millions of nodes (lexbor: 1.4 GB; 1 MB of nested ``<div>`` takes a minute). Links, title and words need no tree.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator
from typing import NamedTuple

_MARKUP = re.compile(r"<(?=[a-zA-Z/!?])")
# A quote opens a value only behind `=`. Possessive throughout: what does not match is not tried another way.
_TAG = re.compile(r"""</?+([a-zA-Z][^\s/>]*+)((?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+)>""")
_ATTRIBUTE = re.compile(r"""([^\s=>/"'][^\s=>/]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>]*+)))?+""")
_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}
_LONG_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
_META_CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([a-zA-Z0-9_:-]{1,40})""", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_ENCODINGS = re.compile(
    r"utf-8|utf-16(-le|-be)?|ascii|iso8859-\d+|cp125\d|cp866|cp874|cp932|cp949|koi8-[ru]|gbk|gb2312|gb18030|big5"
    r"|euc_jp|euc_kr|iso2022_jp|shift_jis|mac-roman"
)


class Tag(NamedTuple):
    """A start or end tag."""

    name: str
    """In lower case."""
    attributes: dict[str, str]
    closing: bool = False


class Title(NamedTuple):
    """The text between ``<title>`` and ``</title>``."""

    text: str


def tokens(source: str, attributes_of: frozenset[str] = frozenset()) -> Iterator[str | Tag | Title]:
    """Yield text, tags and titles of `source` in order, without scripts, styles and comments.

    Attributes are read for the tags named in `attributes_of`. Text is as in the source: see `decode_references`.
    A comment, a script or a tag that is not closed reaches to the end, as in browsers.
    """
    at = 0
    while (found := _MARKUP.search(source, at)) is not None:
        start = found.start()
        if start > at:
            yield source[at:start]
        tag = _TAG.match(source, start)
        if tag is None:
            at = _skip(source, start)
            continue
        name, closing = tag[1].lower(), source[start + 1] == "/"
        at = tag.end()
        yield Tag(name, _attributes(tag[2]) if name in attributes_of and not closing else {}, closing)
        if name in _RAW and not closing:
            end = _RAW[name].search(source, at)
            stop = len(source) if end is None else end.start()
            if name == "title":
                yield Title(source[at:stop])
            at = stop
    if at < len(source):
        yield source[at:]


def decode_references(text: str) -> str:
    """Return `text` with character references such as ``&amp;`` decoded."""
    if "&" not in text:
        return text
    # html.unescape passes the digits to int(), which raises ValueError for more than 4,300 of them.
    return html.unescape(_LONG_REFERENCE.sub("\ufffd", text))


def decode_body(body: bytes, charset: str | None) -> str:
    """Decode `body`. The order is that of browsers: byte order mark, `charset` of the header, meta tag, UTF-8.

    Only the encodings of the web are used; bytes that do not fit become U+FFFD.
    """
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(encoding, "replace")
    meta = _META_CHARSET.search(body[:1024])
    declared = charset or (meta[1].decode("ascii") if meta else None)
    return body.decode(_encoding(declared), "replace")


def _encoding(label: str | None) -> str:
    try:
        name = codecs.lookup(label or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    if name in ("iso8859-1", "ascii"):
        return "cp1252"  # what these labels mean on the web
    return name if _ENCODINGS.fullmatch(name) else "utf-8"


def _skip(source: str, start: int) -> int:
    after = source[start + 1 : start + 3].removeprefix("/")
    if after[:1].isalpha():  # an unclosed tag; searching for its end at each tag would be quadratic
        return len(source)
    mark = "-->" if source.startswith("<!--", start) else ">"
    end = source.find(mark, start + 2)
    return len(source) if end < 0 else end + len(mark)


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        value = match[2] or match[3] or match[4] or ""
        found.setdefault(match[1].lower(), decode_references(value))
    return found
