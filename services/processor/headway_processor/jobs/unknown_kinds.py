"""End the jobs of kinds that no processor has ever offered: nobody takes them, so they would wait indefinitely.

Streamers refuse to submit such tasks. These jobs come from whoever publishes to NATS, or were left when somebody
removed a kind from the catalogue.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

from headway.errors import EndedError, MalformedEventError, SupersededError, UnavailableError
from headway.eventlog.log import Log
from headway.eventlog.log_end import LogEnd, read_log_end
from headway.events import Cancel, ErrorInfo, is_terminal
from headway.jetstream.stored import Stored, seconds_of
from headway.subjects import is_name
from headway_processor.attempts.decision import AlreadyEnded, CancelPending, GiveUp
from headway_processor.context import DeadLetters
from headway_processor.jobs.run import read_job
from headway_processor.jobs.unstarted import UnstartedJob
from headway_processor.metrics import Metrics

LOOK_SECONDS = 60.0
PAGES = 8
"""How much of the queue is read at a time; the next look continues behind it."""

logger = logging.getLogger(__name__)


class Queue(Protocol):
    """The queue. Methods raise UnavailableError and may be repeated."""

    async def page(self, start: int) -> Sequence[Stored]:
        """Some jobs from sequence `start` on; none at the end."""

    async def remove(self, job: Stored) -> None:
        """Remove a job."""


class Catalogue(Protocol):
    """The kinds that processors have offered."""

    async def get(self, kind: str) -> bytes | None:
        """The record of a kind, if there is one. Raises UnavailableError."""


class Parts(NamedTuple):
    """What is read and changed."""

    queue: Queue
    catalogue: Catalogue
    log: Log
    dead_letters: DeadLetters
    metrics: Metrics


class UnknownKinds:
    """Looks for jobs that nobody takes, as every processor does at the same time: a task has one end.

    Args:
        own: the kinds of this processor.
        wait_seconds: how long a job waits for a processor that offers its kind for the first time.
    """

    def __init__(
        self, parts: Parts, own: Collection[str], wait_seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._parts = parts
        self._own = own
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._start = 1

    async def keep_ended(self) -> None:
        """Look every minute. A root task."""
        while True:
            try:
                await self.look()
            except UnavailableError as error:
                logger.info("the queue cannot be read", extra={"action": "queue_unread", "error": str(error)})
            pause = min(LOOK_SECONDS, self._wait_seconds / 4)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load

    async def look(self) -> None:
        """Read the next part of the queue, and end the jobs of unknown kinds. Raises UnavailableError."""
        for _ in range(PAGES):
            page = await self._parts.queue.page(self._start)
            unknown = await self._unknown({_kind_of(job) for job in page})
            for job in page:
                if _kind_of(job) in unknown and seconds_of(job.time) + self._wait_seconds <= self._clock():
                    await self._end(job)
            self._start = page[-1].seq + 1 if page else 1
            if not page:
                break

    async def _unknown(self, kinds: set[str]) -> set[str]:
        others = sorted(kinds.difference(self._own))
        return {kind for kind in others if not is_name(kind) or await self._parts.catalogue.get(kind) is None}

    async def _end(self, job: Stored) -> None:
        parts, kind, delivery = self._parts, _kind_of(job), QueuedDelivery(self._parts.queue, job)
        unstarted = UnstartedJob(
            kind, delivery, job.task, log=parts.log, dead_letters=parts.dead_letters, metrics=parts.metrics
        )
        try:
            message = read_job(job.subject, job.payload)
        except MalformedEventError as error:
            await unstarted.reject(str(error))
            return
        end = await read_log_end(parts.log, job.task, message.ownership)
        try:
            await unstarted.end(end, _decide(end, kind))
        except EndedError:
            await delivery.ack()
        except SupersededError:  # a processor that offers the kind was faster
            logger.info("a job has been taken", extra={"action": "job_taken", "task": job.task, "kind": kind})


class QueuedDelivery:
    """A job that nobody was given, in place of a delivery: it is removed, or stays."""

    def __init__(self, queue: Queue, job: Stored) -> None:
        self._queue = queue
        self._job = job
        self.subject = job.subject
        self.payload = job.payload
        self.key = f"unknown.{job.seq}"
        self.answered = False

    async def ack(self) -> None:
        """Remove the job. Raises UnavailableError."""
        self.answered = True
        await self._queue.remove(self._job)

    async def term(self) -> None:
        """Remove the job. Raises UnavailableError."""
        await self.ack()

    async def nak(self, delay_seconds: float = 0.0) -> None:
        """Leave the job where it is."""

    async def extend(self) -> None:
        """Nobody waits for it."""


def _kind_of(job: Stored) -> str:
    return job.subject.split(".")[-2]


def _decide(end: LogEnd, kind: str) -> AlreadyEnded | CancelPending | GiveUp:
    head, latest = end
    if head.event is not None and is_terminal(head.event):
        return AlreadyEnded(getattr(head.event, "status", ""))
    if isinstance(head.event, Cancel):
        return CancelPending(head.event.reason)
    message = f"no processor has ever offered the kind {kind!r}: start one that does, and submit the task again"
    return GiveUp(ErrorInfo("UnknownKind", message), latest.failed if latest is not None else 0)
