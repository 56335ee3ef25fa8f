"""The pages that may use this server: those that it serves itself, and those of listed origins.

Browsers name the page that makes a request in `Origin` and, where they trust the connection, its relation to the server
in `Sec-Fetch-Site` (Fetch Metadata Request Headers, W3C). Other clients send neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from headway_streamer.access.hosts import Host, parse_host

DEFAULT_PORTS = {"http": 80, "https": 443}
SAME = ("same-origin", "none")
"""Values of `Sec-Fetch-Site` of a page's own requests, and of what a person types or bookmarks."""


def parse_origin(text: str) -> tuple[str, Host] | None:
    """The scheme and host of an origin (RFC 6454 §6.1). None for `null` and whatever else is not one.

    >>> parse_origin("https://App.example.org"), parse_origin("null")
    (('https', Host(name='app.example.org', port=443)), None)
    """
    scheme, separator, rest = text.lower().partition("://")
    host = parse_host(rest)
    if not separator or scheme not in DEFAULT_PORTS or host is None:
        return None
    return scheme, Host(host.name, DEFAULT_PORTS[scheme] if host.port is None else host.port)


class Origins:
    """Decides whether a page may make a request.

    Args:
        listed: exact origins besides the server's own.
    """

    def __init__(self, listed: Iterable[str] = ()) -> None:
        self._listed = frozenset(parse_origin(origin) for origin in listed) - {None}

    def lists(self, origin: str) -> bool:
        """Whether `origin` was listed."""
        return parse_origin(origin) in self._listed

    def allows(self, origin: str, site: str, host: Host) -> bool:
        """Whether a page of `origin` may make a request to `host`; `site` is the value of `Sec-Fetch-Site`.

        Behind a proxy that ends TLS the scheme of the request is not known, so an origin is the server's own by its
        host and port: `https://a.example` for `a.example` and `a.example:443`. A page of `http://a.example` on port 80
        could pass for one of `https://a.example` then, but browsers declare it `cross-site` on https.
        """
        parsed = parse_origin(origin)
        if parsed is None:
            return False
        return parsed in self._listed or (_is_own(parsed, host) and (not site or site in SAME))

    def allows_referer(self, referer: str, host: Host) -> bool:
        """Whether the page at the URL `referer` is the server's own or of a listed origin."""
        try:
            parts = urlsplit(referer)
        except ValueError:
            return False
        parsed = parse_origin(f"{parts.scheme}://{parts.netloc}")
        return parsed is not None and (parsed in self._listed or _is_own(parsed, host))


def _is_own(origin: tuple[str, Host], host: Host) -> bool:
    scheme, of_page = origin
    return of_page == Host(host.name, DEFAULT_PORTS[scheme] if host.port is None else host.port)
