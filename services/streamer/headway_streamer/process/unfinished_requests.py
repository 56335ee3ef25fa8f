"""What connections may hold before their requests are whole: how many, how much, for how long.

Whoever sends no request costs a file and some memory, so the time is bounded for each request, and the number by
address. Behind a proxy or a NAT all clients have one address, and they may come at once; so no request is refused for
the number of others: an address that has many unfinished ones gets less time for the next.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from typing import NamedTuple, Protocol

from headway_streamer.access.addresses import address_of
from headway_streamer.metrics import Metrics
from headway_streamer.process.refusals import Reason
from headway_streamer.settings import Settings
from headway_streamer.watch.idle_timer import IdleTimer, Waiting

CROWDED_SECONDS = 1.0
"""Time for the head, and again for the body, of requests above the number that an address may leave unfinished."""
MAX_UNFINISHED = 4096
"""Unfinished requests of all addresses together, above which all new ones get `CROWDED_SECONDS`."""
LOG_SECONDS = 10.0
"""Between two log lines of refused requests: whoever sends them should not fill the disk."""

logger = logging.getLogger(__name__)


class Limits(NamedTuple):
    """Bounds of one request; the settings of the same names."""

    max_head_bytes: int
    max_target_bytes: int
    max_headers: int
    max_body_bytes: int
    max_file_bytes: int
    head_seconds: float
    body_seconds: float

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(*(getattr(settings, name) for name in cls._fields))

    def max_raw_bytes(self, *, file: bool) -> int:
        """Bytes of a body as it is sent, with the sizes of its chunks, their extensions and the trailers."""
        return 2 * (self.max_file_bytes if file else self.max_body_bytes) + self.max_head_bytes


class Address:
    """One address, as long as it has connections. `host` is what `address_of` makes of it."""

    __slots__ = ("connections", "host", "unfinished")

    def __init__(self, host: str | bytes) -> None:
        self.host = host
        self.connections = 0
        self.unfinished = 0

    def __str__(self) -> str:
        return (
            self.host if isinstance(self.host, str) else socket.inet_ntop(socket.AF_INET6, self.host + bytes(8)) + "/64"
        )


class Connection(Waiting, Protocol):
    """What this module needs of a connection."""

    address: Address


class UnfinishedRequests:
    """The connections of one server by address, and those of their requests that are not whole.

    Every request passes here three times: few calls, and no search by address but for a new connection.
    """

    def __init__(self, settings: Settings, timer: IdleTimer, metrics: Metrics) -> None:
        self.limits = Limits.of(settings)
        self._most_unfinished = settings.max_unfinished_per_address
        self._most_connections = settings.max_connections_per_address or sys.maxsize
        self._requests = timer.requests
        self._metrics = metrics
        self._addresses: dict[str | bytes, Address] = {}
        self._refused = 0
        self._log_at = 0.0

    def connected(self, host: str) -> Address:
        """Count a new connection; `disconnected` follows in any case."""
        key = address_of(host)
        address = self._addresses.get(key)
        if address is None:
            address = self._addresses[key] = Address(key)
        address.connections += 1
        return address

    def has_too_many(self, address: Address) -> bool:
        """Whether the address has more connections than it may."""
        return address.connections > self._most_connections

    def disconnected(self, connection: Connection) -> None:
        """Count a connection that is closed."""
        self.finished(connection)
        address = connection.address
        address.connections -= 1
        if not address.connections:
            del self._addresses[address.host]

    def begun(self, connection: Connection, now: float) -> None:
        """The head of a request is expected, from loop time `now` on."""
        self._expect(connection, now, self.limits.head_seconds)

    def expect_body(self, connection: Connection, now: float) -> None:
        """The head is whole; the body is expected, from loop time `now` on."""
        self._expect(connection, now, self.limits.body_seconds)

    def linger(self, connection: Connection, until: float) -> None:
        """The request is refused; the connection is to be closed at the loop time `until`."""
        self._expect(connection, until, 0.0)

    def finished(self, connection: Connection) -> None:
        """The request is whole, or its connection is given up."""
        if connection in self._requests:
            self._requests.discard(connection)
            connection.address.unfinished -= 1

    def refused(self, reason: Reason, address: Address) -> None:
        """Count a refused request or connection, and log it if none was logged just now."""
        self._metrics.request_refused(reason)
        self._refused += 1
        now = asyncio.get_running_loop().time()
        if now >= self._log_at:
            extra = {"action": "request_refused", "reason": reason, "address": str(address), "count": self._refused}
            logger.info("requests were refused", extra=extra)
            self._refused, self._log_at = 0, now + LOG_SECONDS

    def _expect(self, connection: Connection, now: float, seconds: float) -> None:
        address = connection.address
        if connection not in self._requests:
            self._requests.add(connection)
            address.unfinished += 1
        if address.unfinished > self._most_unfinished or len(self._requests) > MAX_UNFINISHED:
            seconds = min(seconds, CROWDED_SECONDS)
        connection.due_at = now + seconds
