"""The names that requests may address this server by.

A page of another site can make its own name resolve to this server (DNS rebinding). Its browser then takes answers of
this server for the site's own; only the Host header tells. Names that no other site can own are always allowed: those
of the loopback, and the address that the server was told to bind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

MAX_CHARS = 255
_LABELS = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\[\]:]+)(?::(?P<port>[0-9]{0,5}))?")
_BIND_ALL = ("", "0.0.0.0", "::")  # noqa: S104 - these are not served


class Host(NamedTuple):
    """Where a request is addressed to."""

    name: str
    """In lower case, without a trailing dot. Addresses in their usual form, IPv6 ones without brackets."""
    port: int | None
    """None when it was not named: the default of the scheme."""


def parse_host(text: str) -> Host | None:
    """Parse the value of a Host header (RFC 9110 §7.2). None if it is not one.

    >>> parse_host("Streamer.example.org.:8000"), parse_host("[::1]"), parse_host("a b")
    (Host(name='streamer.example.org', port=8000), Host(name='::1', port=None), None)
    """
    if len(text) > MAX_CHARS or (match := _HOST.fullmatch(text.lower())) is None:
        return None
    name, port = parse_name(match["name"]), match["port"]
    if name is None or (port and int(port) > 65535):
        return None
    return Host(name, int(port) if port else None)


def parse_name(text: str) -> str | None:
    """A host name or address in the form of `Host.name`. None if it is neither."""
    text = text.lower()
    if address := _address(text):
        return str(address)
    name = text.removesuffix(".")
    return name if _LABELS.fullmatch(name) else None


class AllowedHosts:
    """The host names that a server answers to.

    Args:
        names: host names without a port; `*.example.org` stands for all names below `example.org`.
        bound: the address that the server binds; it is allowed unless it stands for all addresses.
        any_address: whether every IP address is allowed. A page can be served from one, but no name leads there.
    """

    def __init__(self, names: Iterable[str] = (), *, bound: str = "", any_address: bool = False) -> None:
        wanted = [name.lower() for name in names] + ([] if bound in _BIND_ALL else [bound])
        self._names = {parse_name(name) for name in wanted if not name.startswith("*.")}
        self._endings = tuple(name[1:].removesuffix(".") for name in wanted if name.startswith("*."))
        self._any_address = any_address

    def __contains__(self, name: str) -> bool:
        return name in self._names or self._is_local(name) or (bool(self._endings) and name.endswith(self._endings))

    def _is_local(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost"):
            return True
        address = _address(name)
        return address is not None and (self._any_address or address.is_loopback)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
