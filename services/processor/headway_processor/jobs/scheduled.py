"""Put the jobs that begin later in the queue when they are due."""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from headway.errors import MalformedEventError, TooLargeError, UnavailableError
from headway.jetstream.kv import Entry
from headway.records import JobMessage, ScheduledJob, decode_record, is_time
from headway.retry_delay import RetryDelay
from headway.service.retry import Retries
from headway.subjects import is_name

LOOK_SECONDS = 1.0
"""How often due jobs are looked for: one begins at most this much later, and a fifth."""
READ_ALL_SECONDS = 60.0
"""How often all entries are read again: after NATS has lost its store, sequences begin again."""
CONCURRENCY = 16
REFUSED = RetryDelay(first_seconds=1.0, backoff=2.0, max_seconds=30.0, jitter=0.2)

logger = logging.getLogger(__name__)


class Entries(Protocol):
    """The bucket of jobs that begin later. Methods raise UnavailableError."""

    async def page(self, start: int) -> list[Entry]:
        """Some entries from sequence `start` on; none when there are no more."""

    async def entry(self, key: str) -> tuple[bytes | None, int]:
        """The value of `key` and its sequence; None and 0 without any."""


class Jobs(Protocol):
    """The queue."""

    async def put(self, job: JobMessage) -> None:
        """Store `job`, unless a job of its task is stored. Raises TooLargeError and UnavailableError."""


class Purge(Protocol):
    """Removes the entry of a task up to sequence `seq`. May be repeated. Raises UnavailableError."""

    async def __call__(self, task: str, seq: int, /) -> None: ...


class Due(NamedTuple):
    """A job that begins later: the queue and the log decide what becomes of it, so only its time is kept in memory."""

    run_at: float
    seq: int
    task: str


class ScheduledJobs:
    """Queues due jobs, as every processor does at the same time: a queue holds one job of a task.

    First the job is put in the queue, then its entry is removed. After a crash in between it is queued again: while it
    waits or runs the queue refuses it, and of a task that has ended the log says so. What counts is the clock of the
    processor, `clock`, in seconds since 1970.
    """

    def __init__(self, entries: Entries, jobs: Jobs, purge: Purge, clock: Callable[[], float] = time.time) -> None:
        self._entries = entries
        self._jobs = jobs
        self._purge = purge
        self._clock = clock
        self._retries = Retries(delay=REFUSED, on_refused=_on_refused)
        self._waiting: list[Due] = []
        """A heap."""
        self._next = 1
        """The sequence from which entries are not known."""
        self._malformed: set[tuple[int, str]] = set()
        """What was logged."""
        self._read_all_at = 0.0
        """The loop time."""

    async def keep_queued(self) -> None:
        """Look again and again. A root task."""
        while True:
            await self._retries.run(self.look)
            await asyncio.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load

    async def look(self) -> None:
        """Read what is new, and queue what is due. Raises UnavailableError."""
        now = asyncio.get_running_loop().time()
        if now >= self._read_all_at:
            self._waiting, self._next = [], 1
            self._read_all_at = now + READ_ALL_SECONDS
        while page := await self._entries.page(self._next):
            for entry in page:
                self._note(entry)
            self._next = page[-1].seq + 1
        while due := self._take_due():
            outcomes = await asyncio.gather(*map(self._queue, due), return_exceptions=True)
            failed = [(one, error) for one, error in zip(due, outcomes, strict=True) if error is not None]
            for one, _ in failed:
                heapq.heappush(self._waiting, one)
            for _, error in failed:
                raise error

    def _note(self, entry: Entry) -> None:
        if (scheduled := self._decoded(entry.key, entry.value, entry.seq)) is not None:
            heapq.heappush(self._waiting, Due(scheduled.run_at, entry.seq, entry.key))

    def _decoded(self, task: str, value: bytes, seq: int) -> ScheduledJob | None:
        try:
            return decode_scheduled(task, value)
        except MalformedEventError as error:
            self._skip(task, seq, error)
            return None

    def _skip(self, task: str, seq: int, error: Exception) -> None:
        if (seq, task) not in self._malformed:
            self._malformed.add((seq, task))
            extra = {"action": "scheduled_malformed", "task": task, "error": str(error)}
            logger.warning("a job that begins later is malformed, and is never put in the queue", extra=extra)

    def _take_due(self) -> list[Due]:
        now, taken = self._clock(), list[Due]()
        while self._waiting and self._waiting[0].run_at <= now and len(taken) < CONCURRENCY:
            taken.append(heapq.heappop(self._waiting))
        return taken

    async def _queue(self, due: Due) -> None:
        value, seq = await self._entries.entry(due.task)
        # Without an entry another processor was faster, or the task was removed. If the replica that has answered lags
        # behind, the job is found when all entries are read again.
        if value is None or (scheduled := self._decoded(due.task, value, seq)) is None:
            return
        try:
            await self._jobs.put(scheduled.job)
        except TooLargeError as error:
            self._skip(due.task, seq, error)
            return
        logger.info("a job is due", extra={"action": "job_due", "task": due.task, "kind": scheduled.job.kind})
        await self._purge(due.task, seq)


def decode_scheduled(task: str, value: bytes) -> ScheduledJob:
    """The entry of a task. Raises MalformedEventError for anything else, also for the entry of another task."""
    scheduled = decode_record(value, ScheduledJob)
    if scheduled.job.task != task or not is_name(scheduled.job.kind) or not is_time(scheduled.run_at):
        raise MalformedEventError(f"not the job of {task}")
    return scheduled


def _on_refused(error: UnavailableError) -> None:
    logger.warning(
        "jobs that begin later cannot be put in the queue; accounts of NATS from an earlier version lack the right, "
        "`headway nats-config` prints them",
        extra={"action": "schedule_refused", "error": str(error)},
    )
