"""Addresses of clients: which networks are trusted, whose address counts, and what is counted as one."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from headway.errors import SettingsError

Network = IPv4Network | IPv6Network
FORWARDED_FOR = b"x-forwarded-for"
DECISIONS = 1024
"""How many decisions on addresses are kept: a proxy sends all requests from a few."""


class Networks:
    """Networks whose addresses are trusted.

    >>> "10.1.2.3" in Networks([ip_network("10.0.0.0/8")]), "::ffff:10.1.2.3" in Networks([ip_network("10.0.0.0/8")])
    (True, True)
    """

    def __init__(self, networks: Iterable[Network]) -> None:
        self._networks = tuple(networks)
        self._trusts = lru_cache(DECISIONS)(self._search)

    def __contains__(self, address: object) -> bool:
        return bool(self._networks) and self._trusts(str(address))

    def __bool__(self) -> bool:
        return bool(self._networks)

    def _search(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)


def parse_networks(setting: str, values: Iterable[str]) -> list[Network]:
    """The addresses and networks in a setting. Raises SettingsError with its name."""
    try:
        return [ip_network(value) for value in values]
    except ValueError as error:
        raise SettingsError(f"{setting}: {error}") from error


def client_address(peer: str, headers: Iterable[tuple[bytes, bytes]], proxies: Networks) -> str:
    """The address that a request is from: that of the peer, or what trusted proxies say of it in X-Forwarded-For.

    Each proxy appends the address it was asked from. So the list is read from its end, up to the first address that is
    no proxy: whatever stands before it may be made up.
    """
    if peer not in proxies:
        return peer
    values = [value for name, value in headers if name == FORWARDED_FOR]
    for hop in reversed(b",".join(values).decode("latin-1").split(",")):
        address = _bare(hop.strip())
        if not _is_address(address):
            break
        peer = address
        if address not in proxies:
            break
    return peer


def address_of(host: str) -> str | bytes:
    """What is counted as one address: of IPv6 the 64 bits that a subscriber has to himself.

    >>> address_of("192.0.2.1"), address_of("2001:db8::1") == address_of("2001:db8::2"), address_of("::ffff:192.0.2.1")
    ('192.0.2.1', True, '192.0.2.1')
    """
    if ":" not in host:
        return host
    if host.startswith("::ffff:"):
        return host.removeprefix("::ffff:")
    try:
        return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8]
    except OSError:
        return host


def _bare(hop: str) -> str:
    """An address without a port: some proxies append one."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
