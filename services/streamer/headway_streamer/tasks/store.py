"""Submission and cancellation of tasks. A task is accepted when its job is stored, never before."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from headway import codec
from headway.errors import (
    EndedError,
    KeyHeldError,
    KeyReusedError,
    MalformedEventError,
    NotEndedError,
    StoreFullError,
    TooLargeError,
    UnavailableError,
)
from headway.eventlog.cancel_request import request_cancel
from headway.eventlog.chain import read_head
from headway.eventlog.deletion import mark_deleted
from headway.eventlog.log import Log
from headway.events import Deleted, is_terminal
from headway.ids import new_task
from headway.records import TaskRecord, decode_task
from headway.reporting.roll_up import RollUp
from headway.submission import ENVELOPE_BYTES, WAITING, Submission, check_same, job_of
from headway_streamer.limits.caller import tenant_key
from headway_streamer.limits.stored import QuotaError, StoredBytes
from headway_streamer.malformed import Malformed
from headway_streamer.problems import Problem, not_found
from headway_streamer.tasks.capacity import StoreCapacity
from headway_streamer.tasks.labels import NO_LABELS, Labels
from headway_streamer.tasks.ports import Deletions, JobQueue, KeyValues
from headway_streamer.tasks.task_ids import TaskIds
from headway_streamer.tasks.unique import HolderBucket, UniqueTasks

DEADLINE_SECONDS = 2.0
PARTS_AT_ONCE = 100
"""Parts of a cancelled task that are cancelled at the same time."""


class TaskStore:
    """Submits, cancels, deletes and finds tasks. Methods raise UnavailableError within 2 s if NATS is unreachable."""

    def __init__(
        self,
        records: KeyValues,
        task_ids: TaskIds,
        jobs: JobQueue,
        deletions: Deletions,
        log: Log,
        capacity: StoreCapacity,
        stored: StoredBytes,
        malformed: Malformed,
        holders: HolderBucket,
        scheduled: KeyValues,
    ) -> None:
        self._records = records
        self._task_ids = task_ids
        self._submission = Submission(records, jobs, log, scheduled)
        self._deletions = deletions
        self._log = log
        self._capacity = capacity
        self._stored = stored
        self._malformed = malformed
        self._jobs = jobs
        self._unique = UniqueTasks(holders, log, jobs, scheduled)

    async def submit(
        self,
        kind: str,
        params: bytes,
        *,
        owner: str = "",
        tenant: str = "",
        key: str = "",
        retry_of: str = "",
        labels: Labels = NO_LABELS,
        cancel_on_disconnect: bool = False,
        unique: str = "",
        resume: bool = False,
        run_at: float | None = None,
        message: str = WAITING,
    ) -> tuple[TaskRecord, bool]:
        """Store a job. Returns the task's record, and whether it is new.

        With an idempotency key the same owner gets the same task again; raises a Problem for other parameters under it,
        and for a task that was deleted.

        The order in which things are stored is that of `headway.submission`.

        Raises KeyHeldError when another task runs under the digest `unique`.

        Raises TooLargeError for parameters that do not fit both, StoreFullError and QuotaError, before anything is
        stored. A task that was accepted under its key before is found also then.
        """
        limit_bytes = self._submission.limit_bytes
        if len(params) > limit_bytes:
            raise TooLargeError("the JSON of the parameters", len(params), limit_bytes)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                task = await self.id_of(owner, tenant, key)
                if key:
                    await self._check_not_deleted(task)
                record = TaskRecord(
                    task=task,
                    kind=kind,
                    created=round(time.time(), 3),
                    params=codec.raw(params),
                    owner=owner,
                    tenant=tenant,
                    retry_of=retry_of,
                    title=labels.title,
                    tags=list(labels.tags),
                    cancel_on_disconnect=cancel_on_disconnect,
                    unique=unique,
                    resume=resume,
                    run_at=run_at,
                )
                if (rejection := self._rejection(tenant, len(params) + ENVELOPE_BYTES)) is not None:
                    return await self._accepted(record, rejection), False
                if unique and not (key and await self._log.last(task)) and (holder := await self._unique.take(record)):
                    raise KeyHeldError(holder)
                return await self._store(record, message)
        except StoreFullError as error:
            self._capacity.note_full(error)
            raise
        except TimeoutError as error:
            raise UnavailableError("the job was not acknowledged in time") from error

    async def id_of(self, owner: str, tenant: str, key: str) -> str:
        """The id that belongs to an owner's idempotency key; a new one without a key."""
        scope = f"{tenant}\0{owner}" if tenant else owner  # names are printable
        return await self._task_ids.of_key(scope, key) if key else new_task()

    async def create(self, record: TaskRecord) -> bool:
        """Store the record of a task that no processor runs. False if there is one of that id.

        Raises StoreFullError and QuotaError before anything is stored.
        """
        if (rejection := self._rejection(record.tenant, ENVELOPE_BYTES)) is not None:
            raise rejection
        try:
            return await self._records.create(record.task, codec.encode_json(record))
        except StoreFullError as error:
            self._capacity.note_full(error)
            raise

    def check_quota(self, tenant: str, size_bytes: int) -> None:
        """Count so many bytes of events that a caller adds. Raises QuotaError if its tenant may not store them."""
        if size_bytes and self._stored.most and (rejection := self._stored.rejection(tenant_key(tenant), size_bytes)):
            raise rejection

    async def record(self, task: str) -> TaskRecord | None:
        """The record of `task`, if there is one. Raises MalformedEventError if it cannot be decoded."""
        value = await self._records.get(task)
        try:
            return None if value is None else decode_task(value, task)
        except MalformedEventError as error:
            self._malformed.note("task", task, error)
            raise

    async def cancel(self, task: str, reason: str) -> None:
        """Request that the task ends. Raises EndedError if it has. Repeated requests have no further effect.

        A task that no processor has started ends here; a running one gets a request, which its processor handles.
        """
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await request_cancel(self._log, task, reason)
        except TimeoutError as error:
            raise UnavailableError("the request was not acknowledged in time") from error

    async def queue_cancelled(self, record: TaskRecord) -> None:
        """Have a processor note the end of a cancelled task now, also if it was to begin later. May be repeated."""
        if record.begins_after(time.time()):
            await self._jobs.put(job_of(record))

    async def cancel_parts(self, record: TaskRecord, reason: str) -> None:
        """Request the same of what a cancelled task consists of and waits for, as far as its owner is the same one.

        What the parts add up to is stored where that is known at once: see `headway.reporting.roll_up`.
        """
        parts = [*record.children, *record.after]
        for start in range(0, len(parts), PARTS_AT_ONCE):
            await asyncio.gather(
                *(self._cancel_part(part, record, reason) for part in parts[start : start + PARTS_AT_ONCE])
            )
        if parts or record.parent:
            roll_up = RollUp(self._log, self._records)
            await roll_up.update(record.task if record.children else record.parent)

    async def _cancel_part(self, task: str, whole: TaskRecord, reason: str) -> None:
        with suppress(EndedError, MalformedEventError):
            record = await self.record(task)
            if record is not None and record.reported and record.ownership == whole.ownership:
                await request_cancel(self._log, task, reason)
                await self.cancel_parts(record, reason)

    async def delete(self, task: str) -> None:
        """Delete a task: nobody is shown it from now on, and a processor removes what is stored of it.

        Raises NotEndedError, and the Problem of an unknown task if it is deleted.
        """
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._delete(task)
        except TimeoutError as error:
            raise UnavailableError("the deletion was not acknowledged in time") from error

    async def _delete(self, task: str) -> None:
        head = await read_head(self._log, task)
        if isinstance(head.event, Deleted):
            raise not_found()
        if head.event is None or not is_terminal(head.event):
            raise NotEndedError(task)
        # The request first: after a crash in between the processor marks the task as deleted.
        await self._deletions.request(task)
        await mark_deleted(self._log, task)

    async def _store(self, record: TaskRecord, message: str) -> tuple[TaskRecord, bool]:
        try:
            return await self._submission.store(record, message)
        except KeyReusedError as error:
            raise _key_reused() from error
        except MalformedEventError as error:
            self._malformed.note("task", record.task, error)
            raise

    async def _check_not_deleted(self, task: str) -> None:
        """Raise a Problem if the task of an idempotency key is deleted: the key stands for that task."""
        if isinstance((await read_head(self._log, task)).event, Deleted):
            raise Problem(
                409, "Task is deleted", "The task of this Idempotency-Key was deleted. Use another key to run it again."
            )

    def _rejection(self, tenant: str, size_bytes: int) -> StoreFullError | QuotaError | None:
        """Why a task is not to be stored, whose record and job have `size_bytes` each."""
        quota = self._stored.rejection(tenant_key(tenant), size_bytes) if self._stored.most else None
        return quota or self._capacity.rejection(2 * size_bytes)

    async def _accepted(self, record: TaskRecord, rejection: StoreFullError | QuotaError) -> TaskRecord:
        """The task that was accepted under the same key. Raises `rejection` when there is none."""
        earlier = await self.record(record.task)
        if earlier is None or await self._log.last(record.task) is None:
            raise rejection
        try:
            check_same(earlier, record)
        except KeyReusedError as error:
            raise _key_reused() from error
        return earlier


def _key_reused() -> Problem:
    return Problem(
        422,
        "Idempotency key used for something else",
        "A task was submitted under this Idempotency-Key with another kind or other parameters.",
    )
