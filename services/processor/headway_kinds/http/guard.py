"""The guard against requests to internal hosts: only public addresses, and what the operator allows, are reached.

Whoever submits a task chooses the URL, and the processor runs inside the cluster. So all addresses of a host are
checked, and the connection goes to one that was checked, as a second look-up could return another. Every request passes
here, and so does every redirect.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import httpx

from headway import TaskError
from headway_kinds.http.urls import DEFAULT_PORTS
from headway_kinds.settings import CRAWL_ALLOW_VARIABLE

MAX_ADDRESSES = 4
"""Addresses of a host that are tried before it counts as unreachable."""
CACHE_SECONDS = 30.0
MAX_CACHED_HOSTS = 256

_RESOLVERS = ThreadPoolExecutor(16, thread_name_prefix="resolve")
"""A look-up cannot be interrupted, and whoever submits a task chooses the name servers: only look-ups wait for one."""
_NEVER = tuple(
    ipaddress.ip_network(net)
    for net in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "168.63.129.16/32",  # a public address that Azure serves inside each machine
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "3fff::/20",  # documentation
    )
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], Awaitable[list[str]]]
MakeTransport = Callable[[], httpx.AsyncBaseTransport]


class ForbiddenAddressError(TaskError):
    """A host without a public address that the operator has not allowed."""

    def __init__(self, host: str, port: int) -> None:
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__(
            f"{shown} does not have a public address and is not fetched. "
            f"To allow it, the operator of the processor adds {shown} to {CRAWL_ALLOW_VARIABLE}.",
            type="ForbiddenAddress",
            retryable=False,
        )
        self.host = host
        self.port = port


class ForbiddenSchemeError(TaskError):
    """A URL that is neither http nor https."""

    def __init__(self, url: str) -> None:
        super().__init__(f"{url[:200]!r} is not an http or https address", type="ForbiddenScheme", retryable=False)


def is_public(address: str) -> bool:
    """Return whether an IPv4 or IPv6 address, or the one that it embeds, is in the public internet.

    >>> is_public("1.1.1.1"), is_public("10.0.0.1"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = _wrapped(ip)
        if wrapped is not None:
            return _is_public_v4(wrapped)
        return ip in _GLOBAL_UNICAST and ip.is_global and not _is_never(ip)
    return _is_public_v4(ip)


def is_allowed(host: str, port: int, allow: Iterable[str]) -> bool:
    """Return whether an entry of `allow` (``host`` or ``host:port``; ``::1`` or ``[::1]:port``) names this host."""
    host = host.lower().rstrip(".")
    names = {host, f"[{host}]", f"{host}:{port}", f"[{host}]:{port}"}
    if ":" in host:
        names.discard(f"{host}:{port}")  # ::1 with port 2 would read as the address ::1:2
    return any(entry.strip().lower() in names for entry in allow)


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of `host` in the order of the system. Raises httpx.ConnectError when it has none."""
    loop = asyncio.get_running_loop()
    try:
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await loop.run_in_executor(_RESOLVERS, look_up)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"the name {host} has no address") from error
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport that connects to checked addresses only.

    Each host has an inner transport of its own: pools identify connections by address and port, and a connection whose
    certificate was checked for one host must not be used for another host at the same address.

    Args:
        allow: hosts (``host`` or ``host:port``) that may be reached whatever their address.
        resolve: returns the addresses of a host.
        connect: makes an inner transport; by default one that ignores proxies of the environment.
        clock: returns seconds, for the cache of addresses.

    Raises ForbiddenAddressError, ForbiddenSchemeError, and what httpx transports raise.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        resolve: Resolve = resolve,
        connect: MakeTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allow = tuple(allow)
        self._resolve = resolve
        self._connect = connect or _plain
        self._clock = clock
        self._inner: dict[str, httpx.AsyncBaseTransport] = {}
        self._checked: dict[str, tuple[float, list[str]]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme not in DEFAULT_PORTS:
            raise ForbiddenSchemeError(str(url))
        host = url.raw_host.decode("ascii")
        port = url.port or DEFAULT_PORTS[url.scheme]
        inner = self._transport(host)
        if is_allowed(host, port, self._allow):
            return await inner.handle_async_request(request)
        return await _first_reachable(inner, request, host, await self._addresses(host, port))

    async def aclose(self) -> None:
        for inner in self._inner.values():
            await inner.aclose()

    def _transport(self, host: str) -> httpx.AsyncBaseTransport:
        if host not in self._inner:
            self._inner[host] = self._connect()
        return self._inner[host]

    async def _addresses(self, host: str, port: int) -> list[str]:
        known = self._checked.get(host)
        if known is not None and self._clock() < known[0]:
            return known[1]
        addresses = await self._resolve(host, port)
        if not addresses:
            raise httpx.ConnectError(f"the name {host} has no address")
        if not all(is_public(address) for address in addresses):
            raise ForbiddenAddressError(host, port)
        if len(self._checked) >= MAX_CACHED_HOSTS:
            self._checked.clear()
        self._checked[host] = (self._clock() + CACHE_SECONDS, addresses)
        return addresses


async def _first_reachable(
    inner: httpx.AsyncBaseTransport, request: httpx.Request, host: str, addresses: list[str]
) -> httpx.Response:
    failure: httpx.TransportError = httpx.ConnectError(f"{host} has no address")
    for address in addresses[:MAX_ADDRESSES]:
        try:
            return await inner.handle_async_request(_pinned(request, host, address))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            failure = error  # a host with IPv6 and IPv4 is often reachable by one of them only
    raise failure


def _pinned(request: httpx.Request, host: str, address: str) -> httpx.Request:
    # The Host header was set from the name; the certificate is checked against it too.
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


def _plain() -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(verify=_tls(), trust_env=False)


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)  # reads all certificates: too slow for each host


def _wrapped(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _is_public_v4(ip: ipaddress.IPv4Address) -> bool:
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or _is_never(ip))


def _is_never(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(ip in net for net in _NEVER if net.version == ip.version)
