"""Normalised URLs, so that a page is recognised however it is linked. No I/O."""

from __future__ import annotations

import ipaddress
import re
import string
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import httpx

MAX_URL_CHARS = 2048
DEFAULT_PORTS = {"http": 80, "https": 443}

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?")
_STRAY_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_TRIPLET = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
_PATH_SAFE = "/:@!$&'()*+,;=-._~%"
_QUERY_SAFE = _PATH_SAFE + "?"


def normalise(href: str, base: str) -> str | None:
    """Return `href`, as found on the page `base`, absolute and normalised; None for what cannot be fetched.

    The fragment is dropped, the host in lower case and ASCII, a default port left out, dot segments resolved, escapes
    in one spelling. None: another scheme than http and https, user info, a bad host or port, over 2,048 characters.

    >>> normalise("../b c?x=1#top", "HTTP://Example.org:80/a/d/e")
    'http://example.org/a/b%20c?x=1'
    """
    try:
        parts = urlsplit(urljoin(base, href.strip()))
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or "@" in parts.netloc or port == 0:
        return None
    host = _host(parts)
    if host is None:
        return None
    netloc = host if port in (None, DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    query = _escape(parts.query, _QUERY_SAFE)
    url = f"{parts.scheme}://{netloc}{_flatten(_escape(parts.path, _PATH_SAFE))}{'?' if query else ''}{query}"
    return url if len(url) <= MAX_URL_CHARS else None


def origin(url: str) -> str:
    """Return scheme, host and port of a normalised URL: ``https://example.org``."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def site(url: str) -> str:
    """Return host and port of a normalised URL: ``example.org:8080``. The ports of http and https are left out.

    So ``http://example.org`` and ``https://example.org`` are one site: mostly one redirects to the other.
    """
    return url.partition("://")[2].partition("/")[0]


def path(url: str) -> str:
    """Return path and query of a normalised URL, for display."""
    return url[len(origin(url)) :]


def _host(parts: SplitResult) -> str | None:
    name = (parts.hostname or "").removesuffix(".")
    if ":" in name:
        try:
            return f"[{ipaddress.IPv6Address(name).compressed}]" if "%" not in name else None
        except ValueError:
            return None
    if not name.isascii():
        try:
            name = httpx.URL(f"http://{name[:253]}/").raw_host.decode("ascii")
        except httpx.InvalidURL:
            return None
    return name if _HOST.fullmatch(name) else None


def _escape(text: str, safe: str) -> str:
    text = quote(_STRAY_PERCENT.sub("%25", text), safe=safe, errors="replace")
    return _TRIPLET.sub(_canonical, text) if "%" in text else text


def _canonical(triplet: re.Match[str]) -> str:
    char = chr(int(triplet[1], 16))
    return char if char in _UNRESERVED else triplet[0].upper()


def _flatten(text: str) -> str:
    if "/." not in text:
        return text if text.startswith("/") else "/" + text
    kept: list[str] = []
    segments = text.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
