"""What the run of a job works with: its delivery, the stores, and the settings and metrics that all runs share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from headway.checkpoint import StoredCheckpoint
from headway.children.children import Stores
from headway.eventlog.log import Log
from headway.kind import Kind
from headway.lifecycle import JobLifecycle
from headway.opened_file import FileSource
from headway.saver import Checkpoints as Saving
from headway_processor.admission import Admission
from headway_processor.metrics import Metrics
from headway_processor.outcome import HandlerOutcome
from headway_processor.settings import Settings


class Delivery(Protocol):
    """One delivery of a job, and the replies to the queue. No reply raises when NATS is unreachable."""

    subject: str
    payload: bytes
    key: str
    """The same at every delivery of the same job."""

    @property
    def answered(self) -> bool:
        """Whether a reply that ends this delivery was sent."""

    async def ack(self) -> None:
        """Remove the job: it is done."""

    async def nak(self, delay_seconds: float = 0.0) -> None:
        """Have the job delivered again, at once or after a delay."""

    async def term(self) -> None:
        """Remove the job: it cannot be run."""

    async def extend(self) -> None:
        """Restart ack_wait: the job is in progress."""


class DeadLetters(Protocol):
    """The jobs that cannot be completed."""

    async def add(self, kind: str, task: str, job: bytes, reason: str, key: str) -> None:
        """Store a job. The same `key` within two minutes is stored once. Raises UnavailableError; may be repeated."""


class Deletions(Protocol):
    """The queue of tasks that are to be removed. Methods raise UnavailableError; they may be repeated."""

    async def request(self, task: str) -> None:
        """Have a processor remove the task."""

    async def note_ended(self, kind: str, task: str) -> None:
        """Store that the task has ended: it is removed when the retention of its kind is over."""


class Results(Protocol):
    """The results that are too large for an event."""

    async def put(self, task: str, result: bytes) -> None:
        """Store the result of a task in place of an earlier one. Raises UnavailableError; may be repeated."""


class ProcessRun(Protocol):
    """A handler that runs in a process."""

    begun: asyncio.Event
    """Set when the handler begins: its process may have to start first."""
    future: asyncio.Future[HandlerOutcome]
    """Resolves when the handler has ended; what it has reported may not be stored yet."""

    async def settled(self) -> HandlerOutcome:
        """Return how the handler ended, when all that it has reported is stored or refused."""

    def interrupt(self) -> None:
        """Tell the handler that it should end."""

    def kill(self) -> None:
        """End its process, unless all is settled."""


class Processes(Protocol):
    """The processes for handlers."""

    def start(self, kind: Kind, lifecycle: JobLifecycle, params: bytes) -> ProcessRun:
        """Start the handler of `kind` in a process. `params` are JSON."""


class Checkpoints(Saving, Protocol):
    """The states from which attempts continue."""

    async def get(self, task: str, seq: int) -> StoredCheckpoint:
        """The checkpoint with that number. Raises UnavailableError, DamagedError; may be repeated."""


@dataclass(frozen=True)
class RunContext:
    """What all runs share."""

    log: Log
    dead_letters: DeadLetters
    results: Results
    checkpoints: Checkpoints
    deletions: Deletions
    processes: Processes
    settings: Settings
    metrics: Metrics
    children: Stores
    """Where handlers submit children."""
    connected: Callable[[], bool] = lambda: True
    """Whether NATS is connected now."""
    on_reconnect: list[Callable[[], None]] = field(default_factory=list)
    """Called after each reconnection."""
    admission: Admission = field(default_factory=Admission)
    """Which of the jobs may begin beside those that run."""
    files: FileSource | None = None
    """The files that tasks may open."""
