"""URLs that tokens and keys may travel by."""

from __future__ import annotations

from urllib.parse import urlsplit

from headway_streamer.access.hosts import AllowedHosts, parse_name

_LOCAL = AllowedHosts()
"""Names that lead to this machine only."""


def is_confidential(url: str) -> bool:
    """Whether nobody between here and `url` reads what is sent: https, or http to this machine.

    >>> is_confidential("https://idp.example/keys"), is_confidential("http://localhost:80"), is_confidential("http://a")
    (True, True, False)
    """
    try:
        parts = urlsplit(url)
        name = parse_name(parts.hostname or "")
    except ValueError:
        return False
    if name is None or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and name in _LOCAL)
