"""Settings of the streamer."""

from __future__ import annotations

import msgspec

from headway.errors import SettingsError
from headway.subjects import is_name

PREFIX = "HEADWAY_STREAMER_"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Environment: `HEADWAY_STREAMER_` and the name in capitals.

    The pod's grace period must exceed `drain_seconds` by the time that the last requests take (10 s is plenty).
    """

    host: str = "0.0.0.0"  # noqa: S104 - a service in a pod is there to be reached
    """Address of the public port."""
    port: int = 8000
    """The public port; 0 takes a free one."""
    ops_host: str = "0.0.0.0"  # noqa: S104
    """Address of the ops port."""
    ops_port: int = 9000
    """Port of /livez, /readyz and /metrics; never to be exposed. 0 takes a free one."""
    workers: int = 1
    """Processes that share the public port, one NATS connection each. The ops port is counted up from one to the
    next.
    """
    name: str = ""
    """What this streamer calls itself in `hello`; empty for the host's name."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR. Logs are JSON lines on stderr."""
    heartbeat_seconds: float = 15.0
    """A stream that has been silent for so long gets a comment. Below the idle limit of every proxy in between."""
    stalled_seconds: float = 15.0
    """A task that runs but has shown no sign of life for so long is stalled. Above the processor's beat_seconds."""
    lifetime_seconds: float = 600.0
    """Streams end cleanly after so long, ±20 %, so that they spread over new pods."""
    write_deadline_seconds: float = 30.0
    """A watcher that takes no byte for so long is closed."""
    drain_seconds: float = 25.0
    """On SIGTERM the streams end spread over so long. Below the pod's grace period."""
    ring_bytes: int = 512 * 1024
    """The newest frames that one task's tail keeps in memory."""
    flush_ms: float = 0.0
    """Events that arrive within so many milliseconds are written at once. 0 for no delay; 20 suits very busy tasks."""
    fast_path: bool = True
    """Whether watchers that are caught up are written to directly, past ASGI (see docs/performance.md)."""
    rings_bytes: int = 256 * 1024 * 1024
    """The same for all tails together."""
    linger_seconds: float = 5.0
    """A tail is kept for so long after its last watcher has left, for the ones that come back."""
    max_watchers: int = 20_000
    """Streams at once; one more is told to come back later."""
    user_header: str = ""
    """A header, set by a proxy that is trusted, which says who asks; empty when nothing says it."""
    max_watchers_per_user: int = 100
    """The same for one value of that header."""
    max_tasks_per_stream: int = 32
    """Of `/api/v1/stream?task=…&task=…`."""
    max_body_bytes: int = 256 * 1024
    """Of a submitted task."""
    max_store_share: float = 0.8
    """Submits are answered with 507 while JetStream is fuller than this share, so that the tasks that run can go on. 0
    refuses them only when the server has no space at all."""
    store_bytes: int = 0
    """Size of the JetStream store; 0 takes the limit of the account, or else asks the server (one alone answers that, a
    cluster does not)."""
    probe_seconds: float = 10.0
    """How often a tail is compared with the log, for events whose republish was lost. Jittered by half."""
    process_kind: str = ""
    """What `/api/v1/process/stream` runs when its URL has no `kind`; empty when it must have one."""
    cors_origins: tuple[str, ...] = ()
    """Exact origins whose pages may read, such as https://app.example.org; separated by commas."""
    page: bool = True
    """Whether the page is served at /."""

    def __post_init__(self) -> None:
        for name in (
            "heartbeat_seconds",
            "stalled_seconds",
            "lifetime_seconds",
            "write_deadline_seconds",
            "probe_seconds",
        ):
            if getattr(self, name) <= 0:
                raise SettingsError(f"{PREFIX}{name.upper()} must be above 0 (seconds)")
        if self.max_store_share > 1:
            raise SettingsError(f"{PREFIX}MAX_STORE_SHARE is a share: 0 to 1")
        if self.workers < 1:
            raise SettingsError(f"{PREFIX}WORKERS must be at least 1")
        if self.process_kind and not is_name(self.process_kind):
            raise SettingsError(f"{PREFIX}PROCESS_KIND={self.process_kind!r} is not the name of a kind")
        if "*" in self.cors_origins:
            raise SettingsError(f"{PREFIX}CORS_ORIGINS takes exact origins, not *")
