"""Store a task for processors: its record, its job, its first event.

In this order: the record, so that the task can be found; the job, which makes it run; the queued event, which a
processor that is faster makes superfluous. The job of a task that begins later is kept beside the queue until then. A
crash in between leaves a record without a job, of a task that was not accepted; who submits it again completes it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from headway import codec
from headway.errors import ConflictError, KeyReusedError, UnavailableError
from headway.eventlog.chain import EVENT_BYTES
from headway.eventlog.log import Log
from headway.events import Progress
from headway.ids import nonce
from headway.ownership import UNKNOWN
from headway.records import JobMessage, ScheduledJob, TaskRecord, decode_task

WAITING = "waiting for a processor"
"""Message of a queued task."""
ENVELOPE_BYTES = 2048
"""Allowance for what a record and a job message hold beside the parameters, headers included: some hundred bytes."""


class Records(Protocol):
    """Where the records of tasks are kept."""

    async def get(self, key: str) -> bytes | None:
        """The record of a task. Raises UnavailableError."""

    async def create(self, key: str, value: bytes) -> bool:
        """Store a record if the key is new. False when it is not. Raises TooLargeError and UnavailableError."""


class Jobs(Protocol):
    """The queue that processors take jobs from."""

    @property
    def limit_bytes(self) -> int:
        """Most bytes of one message, headers included."""

    async def put(self, job: JobMessage) -> None:
        """Store `job`, unless a job of its task is stored. Raises TooLargeError and UnavailableError."""


class Submission:
    """Stores tasks. Repeating a call has no further effect.

    `scheduled` takes the jobs that begin later; without it there are none.
    """

    def __init__(self, records: Records, jobs: Jobs, log: Log, scheduled: Records | None = None) -> None:
        self._records = records
        self._scheduled = scheduled
        self._jobs = jobs
        self._log = log

    @property
    def limit_bytes(self) -> int:
        """Most bytes of the parameters of a task."""
        return self._jobs.limit_bytes - ENVELOPE_BYTES

    async def store(self, record: TaskRecord, message: str = WAITING, *, depth: int = 0) -> tuple[TaskRecord, bool]:
        """Store a task. Return its record, as it was stored first, and whether it is new.

        Raises KeyReusedError when another task has its id, TooLargeError, StoreFullError and UnavailableError.
        """
        new = await self._records.create(record.task, codec.encode_json(record))
        if not new:
            earlier = await self._record(record.task)
            if earlier is not None:
                check_same(earlier, record)
                record = earlier
            if await self._log.last(record.task) is not None:
                return record, False
        job = job_of(record, depth)
        if self._scheduled is not None and record.run_at is not None and record.begins_after(time.time()):
            later = codec.encode_json(ScheduledJob(run_at=record.run_at, job=job))
            await self._scheduled.create(record.task, later)
            message = begins_at(record.run_at)
        else:
            await self._jobs.put(job)
        await self._append_queued(record, message)
        return record, new

    async def _record(self, task: str) -> TaskRecord | None:
        value = await self._records.get(task)
        return None if value is None else decode_task(value, task)

    async def _append_queued(self, record: TaskRecord, message: str) -> None:
        queued = Progress(
            task=record.task,
            n=1,
            attempt=0,
            at=record.created,
            status="queued",
            progress=0.0,
            message=message,
            step="",
        )
        with suppress(ConflictError, UnavailableError):  # a processor has started it, or will: the job is stored
            msg_id = f"{record.task}.queued.{nonce()}"
            payload, ownership = codec.encode(queued), record.ownership
            size = 0 if ownership == UNKNOWN else EVENT_BYTES + len(payload)
            await self._log.put(record.task, payload, expected=0, msg_id=msg_id, ownership=ownership, size=size)


def begins_at(run_at: float) -> str:
    """Message of a task that begins later.

    >>> begins_at(1_796_108_400)
    'begins at 2026-12-01 07:00:00 UTC'
    """
    return f"begins at {datetime.fromtimestamp(run_at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def check_same(earlier: TaskRecord, again: TaskRecord) -> None:
    """Raise KeyReusedError if a task is submitted again as another one."""
    if earlier.kind != again.kind or bytes(earlier.params) != bytes(again.params):
        raise KeyReusedError(again.task)


def job_of(record: TaskRecord, depth: int = 0) -> JobMessage:
    """The job of a task."""
    return JobMessage(
        task=record.task,
        kind=record.kind,
        params=record.params,
        submitted=record.created,
        cancel_on_disconnect=record.cancel_on_disconnect,
        owner=record.owner,
        tenant=record.tenant,
        resume_of=record.retry_of if record.resume else "",
        parent=record.parent,
        depth=depth,
    )
