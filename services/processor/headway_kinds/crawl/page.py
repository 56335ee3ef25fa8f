"""The title, words and links of an HTML page. No I/O."""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from headway_kinds.crawl.markup import Tag, Title, decode_body, decode_references, tokens
from headway_kinds.crawl.stopwords import STOP_WORDS
from headway_kinds.http.urls import normalise

MAX_PAGE_BYTES = 2 * 1024 * 1024
"""How much of a longer page is read."""
MAX_LINKS = 2000
"""Links read from one page; more are generated lists."""
MAX_TITLE_CHARS = 200
MAX_TEXT_CHARS = 4000
MIN_WORD_CHARS = 4
MAX_WORD_CHARS = 40

_ATTRIBUTES_OF = frozenset({"a", "area", "base"})
_INLINE_TAGS = """
a abbr acronym b bdi bdo big cite code data dfn em font i ins kbd mark q s samp small span strike strong sub sup time tt
u var wbr
"""
_INLINE = frozenset(_INLINE_TAGS.split())
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def is_html(content_type: str) -> bool:
    """Return whether a body of this type is an HTML page."""
    return content_type in ("text/html", "application/xhtml+xml")


class Page(msgspec.Struct, frozen=True):
    """What a crawl reads of one page."""

    title: str
    words: int
    counts: dict[str, int]
    """Number of occurrences of each word: in lower case, four characters or more, without stop words."""
    links: list[str]
    """Targets of its links: normalised, each once, at most MAX_LINKS."""
    text: str = ""
    """Its beginning, at most MAX_TEXT_CHARS, with single spaces."""


def read_page(body: bytes, url: str, charset: str | None = None) -> Page:
    """Read the HTML in `body`, found at `url`. Never fails; little is found in what is not HTML."""
    title: str | None = None
    base, hrefs, text = url, list[str](), list[str]()
    for token in tokens(decode_body(body, charset), _ATTRIBUTES_OF):
        if isinstance(token, str):
            text.append(token)
        elif isinstance(token, Title):
            title = token.text if title is None else title
        else:
            if token.name not in _INLINE:
                text.append(" ")
            if "href" in token.attributes:
                base = _add_href(token, url, base, hrefs)
    plain = decode_references("".join(text))
    found = _WORD.findall(plain.lower())
    return Page(_clean_title(title or ""), len(found), _count(found), _links(hrefs, base), _beginning(plain))


def _beginning(text: str) -> str:
    # Most of a page may be white space.
    return " ".join(text[: 8 * MAX_TEXT_CHARS].split())[:MAX_TEXT_CHARS].rstrip()


def _add_href(tag: Tag, url: str, base: str, hrefs: list[str]) -> str:
    href = tag.attributes["href"]
    if tag.name == "base":
        return base if base != url else normalise(href, url) or url
    if len(hrefs) < 2 * MAX_LINKS:
        hrefs.append(href)
    return base


def _links(hrefs: list[str], base: str) -> list[str]:
    links: dict[str, None] = {}
    for href in hrefs:
        if href.startswith("#"):
            continue
        link = normalise(href, base)
        if link is not None:
            links[link] = None
        if len(links) == MAX_LINKS:
            break
    return list(links)


def _count(words: list[str]) -> dict[str, int]:
    return {
        word: count
        for word, count in Counter(words).items()
        if MIN_WORD_CHARS <= len(word) <= MAX_WORD_CHARS
        and word.replace("’", "'") not in STOP_WORDS
        and not word[0].isdigit()
    }


def _clean_title(title: str) -> str:
    title = " ".join(decode_references(title).split())
    return title if len(title) <= MAX_TITLE_CHARS else title[: MAX_TITLE_CHARS - 1] + "…"
