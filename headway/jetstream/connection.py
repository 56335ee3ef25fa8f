"""The connection of every part of Headway to NATS: it reconnects indefinitely and logs every error.

nats-py gives up after two minutes by default, stops silently when the error callback raises, and closes permanently on
any protocol error. So there is no limit of attempts, the callback cannot raise, and the process must end on `closed`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import nats.errors

from headway.errors import SettingsError, UnavailableError
from headway.jetstream import websocket
from headway.jetstream.credentials import content_of, credentials
from headway.jetstream.inline_dispatch import DirectClient
from headway.jetstream.reconnecting_client import ReconnectingClient
from headway.jetstream.servers import parse_servers
from headway.subjects import Names
from headway.values.redaction import redact_url

logger = logging.getLogger(__name__)


MIN_RETENTION_SECONDS = 2 * 24 * 3600.0
"""A running task stores its progress once a day, and waits a day at most for its next attempt. Without its last event
in the log it could not be fenced."""


class NatsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Address and credentials of NATS. Environment: `HEADWAY_NATS_` and the name in capitals."""

    url: str = "nats://127.0.0.1:4222"
    """URL of one server, or of several separated by commas. A user and password in it, percent-encoded, or a token, are
    used unless `user` or `user_file` is set."""
    namespace: str = "hw"
    """Prefix of all subjects, streams and buckets: lower case, a letter first."""
    user: str = ""
    """User name, for servers with user and password."""
    user_file: str = ""
    """Path of a file that holds the user name instead. It is read at each connection, as `password_file`."""
    password: str = ""
    """Password for `user`."""
    password_file: str = ""
    """Path of a file that holds the password instead. A password that is replaced in it is used from the next
    connection on, without a restart."""
    creds_file: str = ""
    """Path of a credentials file (JWT and nkey seed)."""
    nkey_file: str = ""
    """Path of a file with an nkey seed."""
    tls_ca_file: str = ""
    """Path of the certificate authority that signed the server's certificate; sets TLS on."""
    tls_cert_file: str = ""
    """Path of this client's certificate, for servers that ask for one."""
    tls_key_file: str = ""
    """Path of the key of that certificate, if it is in a separate file."""
    direct_dispatch: bool = True
    """Whether live messages bypass nats-py's queues and tasks (`headway/jetstream/inline_dispatch.py`)."""
    read_pause_ms: float = 2.0
    """Shortest time in milliseconds between two reads of a connection with continuous live messages: a wake-up costs
    more than a message. Needs direct_dispatch; 0 reads at once."""
    replicas: int = 1
    """Copies of each stream: 1, or 3 on a cluster of three or more servers. Read when a stream is created, and by
    `headway nats-adapt`."""
    max_jobs: int = 1_000_000
    """Maximum number of jobs that wait or run; a submit above it is answered with 507. 0 for no limit. Read when the
    stream of jobs is created, and by `headway nats-adapt`.
    """
    max_jobs_bytes: int = 1024 * 1024 * 1024
    """Maximum bytes of these jobs, which the server reserves; at most a quarter of the free space of a single server. 0
    for no limit. Read when the stream of jobs is created, and by `headway nats-adapt`.
    """
    retention_seconds: float = 7 * 24 * 3600.0
    """How long logs, records and results are kept, in seconds: 172800 (two days) or more, as a running task may be
    silent for a day, and longer than any task waits for a processor. Read when the streams are created, and by
    `headway nats-adapt`. Kinds may have a shorter one: `@task(retention=…)`.
    """
    dead_retention_seconds: float = 30 * 24 * 3600.0
    """How long jobs that were given up are kept, in seconds. Read when their stream is created, and by
    `headway nats-adapt`.
    """
    max_token_seconds: float = 30 * 24 * 3600.0
    """Longest life of an access token: streamers refuse those that live longer, and revocations are kept for this time.
    Read when the bucket of revocations is created, and by `headway nats-adapt`.
    """

    def __post_init__(self) -> None:
        parse_servers(self.url)
        if not self.retention_seconds >= MIN_RETENTION_SECONDS:
            raise SettingsError(
                f"HEADWAY_NATS_RETENTION_SECONDS must be at least {MIN_RETENTION_SECONDS:g}: a running task may be "
                "silent for a day. Kinds may have a shorter one: @task(retention=…)"
            )
        if not self.dead_retention_seconds > 0:
            raise SettingsError("HEADWAY_NATS_DEAD_RETENTION_SECONDS must be above 0")

    def __repr__(self) -> str:
        return f"NatsSettings(url={redact_url(self.url)!r}, namespace={self.namespace!r}, …)"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What logs must not show."""
        file = self.password_file
        own = (self.password, content_of(file) if file and Path(file).is_file() else "")
        return (*parse_servers(self.url).secrets, *filter(None, own))


class Connection:
    """A connection to NATS. Open it with `open`, close it with `close`.

    `closed` is set when the client has ended permanently: restart the process. The callbacks in `on_reconnect` are
    called after each reconnection: messages may have been lost in between.
    """

    def __init__(self, settings: NatsSettings, name: str) -> None:
        self.names = Names(settings.namespace)
        self.settings = settings
        if parse_servers(settings.url).web:
            websocket.enable()
        self.client = (
            DirectClient(pause_ms=settings.read_pause_ms) if settings.direct_dispatch else ReconnectingClient()
        )
        self.closed = asyncio.Event()
        self.on_reconnect: list[Callable[[], None]] = []
        self._name = name
        self._closing = False
        self._changed_at = time.time()

    @property
    def connected(self) -> bool:
        """Whether NATS is connected now."""
        return bool(self.client.is_connected)

    @property
    def state(self) -> str:
        """Whether NATS is connected, and since when, as text."""
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._changed_at))
        return f"{'yes' if self.connected else 'no'}, since {since}"

    async def open(self) -> None:
        """Connect. Retries indefinitely, and logs each failed try."""
        await self.client.connect(
            servers=list(parse_servers(self.settings.url).urls),
            name=self._name,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnect,
            reconnected_cb=self._on_reconnect,
            closed_cb=self._on_closed,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,  # type: ignore[arg-type]  # it only sleeps and compares
            connect_timeout=3,
            ping_interval=10,
            max_outstanding_pings=2,
            inbox_prefix=f"_INBOX_{self._name}".replace("-", "_"),
            **credentials(self.settings),
        )
        self._changed_at = time.time()

    async def close(self) -> None:
        """Flush what is pending if NATS is connected, and close."""
        self._closing = True
        with suppress(nats.errors.Error, TimeoutError, TypeError, AssertionError, OSError, RuntimeError):
            # TypeError: nats-py's close() while disconnected with data pending; AssertionError: before any connect;
            # RuntimeError: uvloop, when the connection has just ended
            if self.client.is_connected:
                await self.client.flush(timeout=2)
            await self.client.close()
        self.closed.set()

    async def _on_error(self, error: Exception) -> None:
        with suppress(Exception):  # an exception here would end nats-py's read loop permanently
            logger.warning("nats error", extra={"action": "nats_error", "error": repr(error)})

    async def _on_disconnect(self) -> None:
        self._changed_at = time.time()
        if not self._closing:
            logger.warning("nats is unreachable", extra={"action": "nats_disconnected"})

    async def _on_reconnect(self) -> None:
        self._changed_at = time.time()
        logger.info("nats is reconnected", extra={"action": "nats_reconnected"})
        for callback in self.on_reconnect:
            callback()

    async def _on_closed(self) -> None:
        if not self._closing:
            logger.error("the nats connection has ended permanently", extra={"action": "nats_closed"})
        self.closed.set()


@asynccontextmanager
async def connected(settings: NatsSettings, name: str, *, seconds: float) -> AsyncIterator[Connection]:
    """An open connection for a command, closed at the end. Raises UnavailableError if there is none in `seconds`."""
    connection = Connection(settings, name)
    try:
        try:
            async with asyncio.timeout(seconds):
                await connection.open()
        except TimeoutError:
            reason = connection.client.last_error
            raise UnavailableError(f"NATS did not answer within {seconds:g} s: {reason}") from None
        yield connection
    finally:
        await connection.close()
