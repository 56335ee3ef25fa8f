"""Settings of the processor."""

from __future__ import annotations

import math

import msgspec

from headway import presence
from headway.errors import SettingsError
from headway.subjects import is_name

PREFIX = "HEADWAY_PROCESSOR_"
TASK_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "OFF")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Environment: `HEADWAY_PROCESSOR_` and the name in capitals."""

    ops_host: str = "127.0.0.1"
    """Address of the ops port. In a pod or container 0.0.0.0, as the charts and images set it."""
    ops_port: int = 9001
    """Port of /livez, /readyz and /metrics; 0 for a free one."""
    ack_wait_seconds: float = 30.0
    """Time after which a job whose processor is silent goes to another one. Running jobs report every third of it."""
    grace_seconds: float = 20.0
    """How long handlers may continue at a shutdown, before their jobs are handed back. Below the pod's grace period."""
    interval_seconds: float = 0.1
    """Shortest time between two writes of the progress of one task."""
    beat_seconds: float = 5.0
    """Time without a report after which a running task sends a task beat. Below the streamer's stalled_seconds."""
    checkpoint_seconds: float = 2.0
    """Shortest time between two stored states of one task (`job.checkpoint`), unless its handler says otherwise."""
    retry_delay_seconds: float = 1.0
    """Delay before the first retry of a failed attempt, for kinds that set none; it doubles, at most 60 s, ±10 %."""
    crashes: int = 2
    """How many attempts may be lost with their processors while they run alone there, before the task is given up, if
    its `retries` are fewer. A task that was lost beside others runs alone the next time but one."""
    starter_grace_seconds: float = 30.0
    """A task that was started with cancel_on_disconnect=1 is cancelled when its starter was absent for this long. Above
    14: streamers publish presence every 5 s and ask clients to reconnect within 9 s."""
    reporter_lost_seconds: float = 60.0
    """Tasks that other processes report end as lost when their process has not renewed its lease for this long. It does
    so every 10 s (`HEADWAY_REPORT_RENEW_SECONDS`)."""
    unknown_kind_seconds: float = 600.0
    """A queued task whose kind no processor has ever offered ends as UnknownKind after this long. Streamers refuse such
    tasks; whoever publishes jobs to NATS directly may queue them."""
    concurrency: int = 100
    """How many tasks of all kinds one processor runs concurrently."""
    processes: int = 0
    """How many tasks of kinds with executor="process" one processor runs concurrently; 0 for as many as there are CPUs
    that it may use: of its container's quota, if there is one."""
    process_tasks: int = 100
    """After how many tasks a process is replaced by a new one; 0 for never."""
    process_memory_bytes: int = 1024 * 1024 * 1024
    """Memory above which a process is replaced by a new one when its task has ended; 0 for never. What one task may
    take is limited by `@task(memory=…)`."""
    tracebacks: bool = True
    """Whether the event of a failed attempt lists files, lines and functions; everybody who may watch can read it."""
    strict_results: bool = False
    """Whether a result with a part that has no JSON form fails the task, instead of keeping that part as text."""
    task_log_level: str = "INFO"
    """Lowest level of `logging` records of handlers that become log lines of their tasks: DEBUG, INFO, WARNING,
    ERROR, or OFF for none. The levels of the loggers apply too."""
    retention: tuple[str, ...] = ()
    """Seconds after which ended tasks of a kind are removed, in place of what `@task(retention=…)` says: crawl=86400.
    Each is below HEADWAY_NATS_RETENTION_SECONDS, which applies to the other kinds."""
    builtin_kinds: tuple[str, ...] = ()
    """Bundled kinds that are offered beside your own: check, crawl, bulk, cluster (needs the extra `cluster`), generate
    (needs the extra `generate`, and a server's address), script. Everybody who may submit a task can let crawl, bulk
    and cluster fetch URLs from this processor, generate use that server, and script end it."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR. Logs are JSON lines on stderr."""

    def __post_init__(self) -> None:
        _ = self.retentions
        if self.task_log_level.upper() not in TASK_LOG_LEVELS:
            raise SettingsError(f"{PREFIX}TASK_LOG_LEVEL is one of {', '.join(TASK_LOG_LEVELS)}")
        if self.starter_grace_seconds <= presence.MIN_GRACE_SECONDS:
            least = presence.MIN_GRACE_SECONDS
            raise SettingsError(f"{PREFIX}STARTER_GRACE_SECONDS must be above {least:g}: a shorter absence is normal")

    @property
    def retentions(self) -> dict[str, float]:
        """The retention of each kind that has one here, in seconds. Raises SettingsError."""
        return dict(map(_retention, self.retention))


def _retention(text: str) -> tuple[str, float]:
    kind, _, seconds = text.partition("=")
    try:
        found = float(seconds)
    except ValueError:
        found = 0.0
    if not (is_name(kind) and 0 < found < math.inf):
        raise SettingsError(
            f"{PREFIX}RETENTION names kinds and seconds above 0, like crawl=86400,bulk=3600: not {text!r}"
        )
    return kind, found
