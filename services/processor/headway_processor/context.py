"""What the run of a job works with: its delivery, and what all runs share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from headway.eventlog.log import Log
from headway_processor.metrics import Metrics
from headway_processor.settings import Settings


class Answers(Protocol):
    """A job as it was delivered, and the answers to it. None of them raises when NATS is away."""

    subject: str
    payload: bytes
    key: str
    """The same at every delivery of the same job."""
    answered: bool
    """An answer that ends this delivery was sent."""

    async def ack(self) -> None:
        """The job is done: remove it."""

    async def nak(self, delay_seconds: float = 0.0) -> None:
        """Deliver the job again, at once or later."""

    async def term(self) -> None:
        """The job is of no use: remove it."""

    async def keep(self) -> None:
        """The job is being worked on: ack_wait begins anew."""


class Archive(Protocol):
    """Both methods raise UnavailableError and may be called again."""

    async def bury(self, kind: str, task: str, job: bytes, reason: str, key: str) -> None:
        """Put a job that was given up aside. The same `key` within two minutes is kept once."""

    async def keep_result(self, task: str, result: bytes) -> None:
        """Store a result, in place of an earlier one of the same task."""


@dataclass(frozen=True)
class RunContext:
    """What all runs share."""

    log: Log
    archive: Archive
    settings: Settings
    metrics: Metrics
    connected: Callable[[], bool] = lambda: True
    """Whether NATS is connected now."""
    on_reconnect: list[Callable[[], None]] = field(default_factory=list)
    """Called after each reconnection."""
