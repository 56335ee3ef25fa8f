"""Settings of the processor."""

from __future__ import annotations

import msgspec

from headway import presence
from headway.errors import SettingsError

PREFIX = "HEADWAY_PROCESSOR_"
TASK_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "OFF")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Environment: `HEADWAY_PROCESSOR_` and the name in capitals."""

    ops_host: str = "0.0.0.0"  # noqa: S104 - a pod's own port, never the public one
    """Address of the ops port."""
    ops_port: int = 9001
    """Port of /livez, /readyz and /metrics; 0 takes a free one."""
    ack_wait_seconds: float = 30.0
    """A job whose processor says nothing for so long goes to another one. A sign of life goes out every third of it."""
    grace_seconds: float = 20.0
    """At a shutdown handlers may go on for so long; then their jobs are handed back. Below the pod's grace period."""
    interval_seconds: float = 0.1
    """Shortest time between two rounds of appends of one task."""
    beat_seconds: float = 5.0
    """A running task that reports nothing shows a sign of life after so long. Below the streamer's stalled_seconds."""
    retry_delay_seconds: float = 1.0
    """Pause before the first retry of a failed attempt, for kinds that set none; it doubles, at most 60 s, ±10 %."""
    crashes: int = 2
    """How often an attempt may vanish with its processor before the task is given up, if its `retries` are fewer."""
    starter_grace_seconds: float = 30.0
    """A task that was started with cancel_on_disconnect=1 is cancelled when its starter was absent for this long. Above
    14: streamers publish presence every 5 s and ask clients to come back after up to 9 s."""
    concurrency: int = 100
    """How many tasks of all kinds one processor runs at once."""
    tracebacks: bool = True
    """Whether a failed attempt's event says in which files, lines and functions; all who may watch can read it."""
    strict_results: bool = False
    """Whether a result fails the task when a part of it has no JSON form, instead of being kept as text."""
    task_log_level: str = "INFO"
    """What handlers write to `logging` from this level on becomes log lines of their tasks: DEBUG, INFO, WARNING,
    ERROR, or OFF for nothing. The levels of the loggers themselves hold too."""
    builtin_kinds: bool = True
    """Whether the kinds crawl, bulk and check are offered beside the ones of HEADWAY_TASKS."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR. Logs are JSON lines on stderr."""

    def __post_init__(self) -> None:
        if self.task_log_level.upper() not in TASK_LOG_LEVELS:
            raise SettingsError(f"{PREFIX}TASK_LOG_LEVEL is one of {', '.join(TASK_LOG_LEVELS)}")
        if self.starter_grace_seconds <= presence.MIN_GRACE_SECONDS:
            least = presence.MIN_GRACE_SECONDS
            raise SettingsError(f"{PREFIX}STARTER_GRACE_SECONDS must be above {least:g}: a shorter absence is normal")
