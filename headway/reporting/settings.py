"""Settings of `headway.report`."""

from __future__ import annotations

import msgspec


class ReportSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a process reports tasks that it runs itself. Environment: `HEADWAY_REPORT_` and the name in capitals."""

    owner: str = ""
    """Owner of the tasks, where streamers control access."""
    tenant: str = ""
    """Tenant of the owner."""
    flush_seconds: float = 5.0
    """How long the end of the process waits at most for what is not stored yet."""
    open_seconds: float = 0.25
    """How long a process that submits a task to a queue, or a worker that begins one, waits at most until NATS has
    stored that. It does not wait while NATS is unreachable."""
    renew_seconds: float = 10.0
    """Interval at which the process renews the lease on its tasks. Processors end them when it is not renewed for
    `HEADWAY_PROCESSOR_REPORTER_LOST_SECONDS`, which must be several times as long."""
    log_level: str = "INFO"
    """Log records of jobs of task queues from this level on are log lines of their tasks; OFF for none."""
    tracebacks: bool = True
    """Whether errors that end a task hold their traceback: files, lines and functions, without values."""
    max_tasks: int = 1000
    """Tasks that may run or wait to be stored in one process. Further ones are counted and not reported."""
    max_chars: int = 16 * 1024 * 1024
    """Characters of output and log lines of all of them that may wait for NATS. The rest is counted."""
