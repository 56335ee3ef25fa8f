"""Settings of the streamer."""

from __future__ import annotations

import msgspec

from headway.errors import SettingsError
from headway.subjects import is_name
from headway_streamer.access.addresses import parse_networks
from headway_streamer.access.hosts import parse_name
from headway_streamer.access.origins import parse_origin

PREFIX = "HEADWAY_STREAMER_"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Environment: `HEADWAY_STREAMER_` and the name in capitals.

    The pod's grace period must exceed `drain_seconds` by the duration of the last requests (10 s is ample).
    """

    host: str = "127.0.0.1"
    """Address of the public port. In a pod or container 0.0.0.0, as the charts and images set it. Without access
    control only this machine's own addresses are accepted, unless `allow_anonymous` is set."""
    port: int = 8000
    """The public port. 0 selects a free one."""
    ops_host: str = "127.0.0.1"
    """Address of the ops port. In a pod or container 0.0.0.0, as the charts and images set it."""
    ops_port: int = 9000
    """Port of /livez, /readyz and /metrics; do not expose it. 0 selects a free one."""
    workers: int = 1
    """Number of processes that share the public port, one NATS connection each. Each has the next ops port."""
    name: str = ""
    """Name of this streamer in `hello` events. Empty for the host name."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR. Logs are JSON lines on stderr."""
    heartbeat_seconds: float = 15.0
    """Interval of heartbeat comments on an idle stream. Must be below the idle timeout of every proxy in between."""
    stalled_seconds: float = 15.0
    """A running task without an event or task beat for this long is stalled. Above the processor's `beat_seconds`."""
    lifetime_seconds: float = 600.0
    """Lifetime of a stream, ±20 %; it then ends cleanly, so that streams spread over new pods."""
    write_deadline_seconds: float = 30.0
    """A watcher that accepts no byte for this long is closed."""
    drain_seconds: float = 25.0
    """Time over which streams end after SIGTERM. Below the pod's grace period."""
    ring_bytes: int = 512 * 1024
    """Most bytes of the newest events that are kept in memory per watched task."""
    flush_ms: float = 0.0
    """Milliseconds within which events are collected and written together. 0 for no delay; 20 suits very busy tasks."""
    fast_path: bool = True
    """Whether watchers that have caught up are written to directly, bypassing ASGI."""
    rings_bytes: int = 256 * 1024 * 1024
    """Most bytes of events kept in memory for all watched tasks together."""
    linger_seconds: float = 5.0
    """How long a task's events are kept in memory after its last watcher has left, for clients that reconnect."""
    max_watchers: int = 20_000
    """Most streams at once. Further requests are rejected with a stream that ends at once."""
    user_header: str = ""
    """Header in which a trusted proxy passes the user's name. Empty if there is none."""
    max_watchers_per_user: int = 100
    """Most streams at once of one owner, or one value of `user_header`, at all streamers together. 0 for no limit."""
    max_watchers_per_address: int = 0
    """Most streams at once of one client address, at all streamers together. 0 for no limit. An IPv6 address counts by
    its first 64 bits; behind a proxy all clients have its address unless `trusted_proxies` names it."""
    max_submit_rate_per_user: float = 50.0
    """Most tasks per second, on average, that one owner, or one value of `user_header`, submits at all streamers
    together; more are answered with 429. 0 for no limit."""
    max_submit_rate_per_address: float = 0.0
    """The same for one client address."""
    max_submit_burst: int = 1_000
    """Most tasks that one owner or address submits at once; they are counted down by the average rate."""
    max_tenant_bytes: int = 0
    """Most bytes that the tasks of one tenant may store, under access control; further tasks of it are rejected with
    507. 0 for no limit."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas: a client's address is
    the last one in it that is not one of these."""
    max_tasks_per_stream: int = 32
    """Most tasks of one request to `/api/v1/stream?task=…&task=…`."""
    max_body_bytes: int = 256 * 1024
    """Most bytes of a request body, of files apart."""
    max_file_bytes: int = 512 * 1024 * 1024
    """Most bytes of an uploaded file. 0 takes none. A proxy in front has a limit of its own."""
    max_owner_file_bytes: int = 2 * 1024 * 1024 * 1024
    """Most bytes of the files of one owner that are stored at a time; more are rejected with 507. 0 for no limit.
    Without access control there is one owner."""
    file_seconds: float = 24 * 3600.0
    """How long an uploaded file is kept, from the upload or from the last submission of a task that uses it, in
    seconds; HEADWAY_NATS_RETENTION_SECONDS at most."""
    max_head_bytes: int = 32 * 1024
    """Most bytes of a request line and its headers."""
    max_target_bytes: int = 16 * 1024
    """Most bytes of a request's path and query, of `max_head_bytes`."""
    max_headers: int = 100
    """Most headers of a request."""
    head_seconds: float = 10.0
    """Time in which a request line and its headers must arrive: from the connection, or from the first byte of a later
    request on it."""
    body_seconds: float = 30.0
    """Time in which a body must arrive, from the end of the headers."""
    max_unfinished_per_address: int = 256
    """Unfinished requests of one address above which its next ones get one second for the head and one for the body,
    instead of `head_seconds` and `body_seconds`. A proxy in front of the streamer is one address."""
    max_connections_per_address: int = 25_000
    """Most connections of one address, streams included; further ones are closed. 0 for no limit. Behind a proxy or a
    NAT all clients have one address, so the default is above that of `max_watchers`; 100 is ample where clients connect
    directly. An IPv6 address counts by its first 64 bits."""
    max_store_share: float = 0.8
    """Submits are rejected with 507 while JetStream is fuller than this share, so that running tasks can continue. 0
    rejects them only if the server has no space at all."""
    store_bytes: int = 0
    """Size of the JetStream store. 0 uses the limit of the account, or else measures the server, which is possible for
    a single server but not for a cluster."""
    probe_seconds: float = 10.0
    """Interval at which an idle task is compared with the log, to find events whose republication was lost. ±50 %."""
    process_kind: str = ""
    """Kind that `/api/v1/process/stream` runs if its URL names none. Empty if it must name one."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that requests may be addressed to, without ports, separated by commas; `*.example.org` allows all
    below it. Names of the loopback and the address in `host` are always allowed."""
    cors_origins: tuple[str, ...] = ()
    """Exact origins whose pages may use the API, such as https://app.example.org, separated by commas."""
    page: bool = True
    """Whether the console is served at /."""

    def __post_init__(self) -> None:
        for name in (
            "heartbeat_seconds",
            "stalled_seconds",
            "lifetime_seconds",
            "write_deadline_seconds",
            "probe_seconds",
            "head_seconds",
            "body_seconds",
            "file_seconds",
        ):
            if getattr(self, name) <= 0:
                raise SettingsError(f"{PREFIX}{name.upper()} must be above 0 (seconds)")
        if self.max_store_share > 1:
            raise SettingsError(f"{PREFIX}MAX_STORE_SHARE is a share: 0 to 1")
        if self.max_submit_burst < 1:
            raise SettingsError(f"{PREFIX}MAX_SUBMIT_BURST must be at least 1")
        parse_networks(f"{PREFIX}TRUSTED_PROXIES", self.trusted_proxies)
        if self.workers < 1:
            raise SettingsError(f"{PREFIX}WORKERS must be at least 1")
        if self.process_kind and not is_name(self.process_kind):
            raise SettingsError(f"{PREFIX}PROCESS_KIND={self.process_kind!r} is not the name of a kind")
        self._check_names()

    def _check_names(self) -> None:
        if "*" in self.allowed_hosts:
            raise SettingsError(
                f"{PREFIX}ALLOWED_HOSTS takes host names, not *: pages of any site could then read tasks"
            )
        for name in self.allowed_hosts:
            if parse_name(name.removeprefix("*.")) is None:
                raise SettingsError(f"{PREFIX}ALLOWED_HOSTS={name!r} is not a host name without scheme and port")
        if "*" in self.cors_origins:
            raise SettingsError(f"{PREFIX}CORS_ORIGINS takes exact origins, not *")
        for origin in self.cors_origins:
            if parse_origin(origin) is None:
                raise SettingsError(
                    f"{PREFIX}CORS_ORIGINS={origin!r} is not an origin, such as https://app.example.org"
                )
