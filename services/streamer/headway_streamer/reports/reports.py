"""Tasks that are reported over HTTP: opened, continued and ended by appends to their log.

Nothing is kept here. Each call reads the last event, which says whose the task is, which attempt runs, and how far its
producer has reported; and each append names the event that it follows. So any streamer serves any call, and of two that
store the same batch at once one finds that it is stored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from headway import codec
from headway.backtrace import MAX_CHARS
from headway.cancellation import cancelled_message
from headway.errors import ConflictError, TooLargeError, UnavailableError
from headway.eventlog.chain import Chain, Head, read_head
from headway.eventlog.log import Log
from headway.eventlog.log_end import latest_progress
from headway.events import Beat, Cancel, Deleted, ErrorInfo, Event, Progress, Status
from headway.outbox import REFRESH_SECONDS
from headway.ownership import Ownership
from headway.producer import Producer
from headway.progress.pending import PROGRESS_EVERY
from headway.records import TaskRecord
from headway.subjects import is_name
from headway.values.coercion import clean, shorten
from headway.values.results import MAX_RESULT_BYTES
from headway_streamer.api.report_models import EventReport, ReportEnd
from headway_streamer.metrics import Metrics
from headway_streamer.problems import not_found
from headway_streamer.reports import refusals
from headway_streamer.reports.batch import BLANK, Entry, merged, moves, size_of
from headway_streamer.reports.leases import ReportLeases
from headway_streamer.tasks.store import DEADLINE_SECONDS, TaskStore

TRIES = 20
"""Appends of others that one call continues after."""
MAX_TYPE_CHARS = 200

Owns = Callable[[Ownership], bool]
"""Whether a task is the caller's own."""


class Opened(NamedTuple):
    """A task that was opened."""

    record: TaskRecord
    epoch: int
    new: bool
    """Whether it did not exist before."""


class Receipt(NamedTuple):
    """What became of a batch."""

    sequence: int
    cancel: Cancel | None


class Ended(NamedTuple):
    """How a task has ended."""

    status: Status
    new: bool
    """Whether it ended now."""


class Reports:
    """Opens, continues and ends tasks. Methods raise UnavailableError and StoreFullError, and Problems.

    Args:
        log: where events are appended.
        task_store: where records are.
        leases: of the tasks.
        metrics: where attempts and events are counted.
    """

    def __init__(self, log: Log, task_store: TaskStore, leases: ReportLeases, metrics: Metrics) -> None:
        self._log = log
        self._task_store = task_store
        self._leases = leases
        self._metrics = metrics

    async def id_of(self, owner: str, tenant: str, key: str) -> str:
        """The id that belongs to an owner's idempotency key; a new one without a key."""
        return await self._task_store.id_of(owner, tenant, key)

    async def open(self, wanted: TaskRecord, owns: Owns, *, lease_seconds: int, message: str, key: str = "") -> Opened:
        """Open a task, or the next attempt of one that is the caller's own and was opened before.

        Repeated with its idempotency key before anything was reported, it is the same attempt: the answer was lost.

        Order: the record, so that it has an owner; the lease, so that it is not left without an end; the event.
        Raises QuotaError, and the Problem of an id that is taken or of a task that has ended.
        """
        digest = blake2b(key.encode(), digest_size=8).hexdigest() if key else ""
        first = Producer(lease_seconds=lease_seconds, began=round(time.time(), 3), key=digest)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                record, new = await self._record(wanted, owns)
                for _ in range(TRIES):
                    with suppress(ConflictError):
                        head = await self._unended(record)
                        epoch = head.attempt + (not _is_repeated(head, first))
                        await self._leases.begin(record.task, epoch, lease_seconds)
                        if epoch > head.attempt:
                            await self._begin(record, head, first, message)
                        return Opened(record, epoch, new)
        except TimeoutError as error:
            raise UnavailableError("the task was not opened in time") from error
        raise _contended(wanted.task)

    async def append(
        self, task: str, owns: Owns, *, epoch: int, sequence: int, events: Sequence[EventReport]
    ) -> Receipt:
        """Store a batch whose first event has number `sequence`; what is stored of it is skipped.

        Raises QuotaError, and the Problems of an unknown task, one that has ended or was opened again, and of missing
        events.
        """
        last = sequence + len(events) - 1
        for _ in range(TRIES):
            head, producer = await self._running(task, owns, epoch)
            if isinstance(head.event, Cancel):
                receipt = Receipt(max(last, producer.sequence), head.event)
                break
            if sequence > producer.sequence + 1:
                raise refusals.gap(producer.sequence + 1)
            try:
                left = events[producer.sequence + 1 - sequence :]
                self._task_store.check_quota(head.ownership.tenant, sum(map(size_of, left)))
                await self._store(task, head, producer, left)
            except ConflictError:  # a cancel request, or another call with the same events
                continue
            receipt = Receipt(max(last, producer.sequence), None)
            break
        else:
            raise _contended(task)
        await self._leases.renew(task, epoch, producer.lease_seconds)
        if not events:
            with suppress(UnavailableError):  # watchers hear of it with the next one
                await self._log.beat(task, codec.encode_json(Beat(task=task, attempt=epoch)))
        return receipt

    async def end(self, task: str, owns: Owns, wanted: ReportEnd) -> Ended:
        """Store the end of a task; of one that its producer has ended before, return how.

        Raises TooLargeError for the result, and the same Problems as `append`.
        """
        result = _encoded(wanted.result)
        for _ in range(TRIES):
            head = await self._opened(task, owns, wanted.epoch)
            assert head.producer is not None
            if (status := _status(head)) and head.producer.ended:
                return Ended(status, new=False)
            if status:
                raise refusals.ended(status)
            if wanted.sequence > head.producer.sequence + 1 and not isinstance(head.event, Cancel):
                raise refusals.gap(head.producer.sequence + 1)
            last = _last(await self._latest(task, head), head.event, wanted, result)
            producer = head.producer._replace(sequence=max(wanted.sequence, head.producer.sequence), ended=True)
            with suppress(ConflictError):
                await self._append(task, head, [Entry(last, producer)])
                with suppress(UnavailableError):  # a processor removes it when it is lost
                    await self._leases.end(task)
                return Ended(wanted.status, new=True)
        raise _contended(task)

    # Opening

    async def _record(self, wanted: TaskRecord, owns: Owns) -> tuple[TaskRecord, bool]:
        """The record of the task, and whether it is new."""
        earlier = await self._task_store.record(wanted.task)
        if earlier is None:
            if (await read_head(self._log, wanted.task)).event is not None:  # the log of a deleted task keeps its end
                raise refusals.taken()
            if await self._task_store.create(wanted):
                return wanted, True
            if (earlier := await self._task_store.record(wanted.task)) is None:
                raise UnavailableError(f"the record of {wanted.task} was read from a replica that is behind")
        if not earlier.reported or not owns(earlier.ownership):
            raise refusals.taken()
        if earlier.kind != wanted.kind:
            raise refusals.other_kind(earlier.kind)
        return earlier, False

    async def _unended(self, record: TaskRecord) -> Head:
        """The end of the log. Ends a task that is to be cancelled, whose producer opens it again."""
        head = await read_head(self._log, record.task)
        if isinstance(head.event, Cancel):
            message = cancelled_message(head.event.reason)
            latest = await self._latest(record.task, head)
            last = msgspec.structs.replace(latest, status="cancelled", message=message, eta=None)
            producer = head.producer or Producer()
            await self._append(record.task, head, [Entry(last, producer)])
            raise refusals.ended("cancelled")
        if isinstance(head.event, Deleted):
            raise refusals.taken()
        if status := _status(head):
            raise refusals.ended(status)
        return head if head.event is not None else head._replace(ownership=record.ownership)

    async def _begin(self, record: TaskRecord, head: Head, producer: Producer, message: str) -> None:
        before = await self._latest(record.task, head)
        failed = before.failed + (head.attempt > 0 and before.status == "processing")
        shown = shorten(message or record.title or record.kind)
        event = msgspec.structs.replace(BLANK, message=shown, failed=failed)
        chain = Chain(self._log, record.task, head, attempt=head.attempt + 1, patient=False)
        await chain.append_once(event, producer)
        self._metrics.report_opened()

    # The end of the log

    async def _opened(self, task: str, owns: Owns, epoch: int) -> Head:
        """The end of the log of a task that the caller has opened as `epoch`."""
        head = await read_head(self._log, task) if is_name(task) else None
        if head is None or head.event is None or isinstance(head.event, Deleted) or not owns(head.ownership):
            raise not_found()
        if epoch < head.attempt:
            raise refusals.superseded(head.attempt)
        if head.producer is None or epoch > head.attempt:
            raise refusals.unopened()
        return head

    async def _running(self, task: str, owns: Owns, epoch: int) -> tuple[Head, Producer]:
        head = await self._opened(task, owns, epoch)
        assert head.producer is not None
        if status := _status(head):
            raise refusals.ended(status)
        return head, head.producer

    async def _latest(self, task: str, head: Head) -> Progress:
        """The last progress; a blank one when it was trimmed."""
        return await latest_progress(self._log, task, head) or BLANK

    # Appending

    async def _store(self, task: str, head: Head, producer: Producer, events: Sequence[EventReport]) -> None:
        now = round(time.time(), 3)
        latest = await self._latest(task, head) if any(map(moves, events)) else BLANK
        entries = list(merged(events, producer, latest, now))
        if not any(map(moves, events)) and _refreshes(head, len(entries), now):
            last = entries[-1].producer if entries else producer
            entries.append(Entry(await self._latest(task, head), last))
        await self._append(task, head, entries)

    async def _append(self, task: str, head: Head, entries: Sequence[Entry]) -> None:
        """Raises ConflictError when another writer was faster: what is left of the batch is another then."""
        chain = Chain(self._log, task, head, attempt=head.attempt, patient=False)
        for event, producer in entries:
            await chain.append_once(event, producer)
            self._metrics.event_reported()


def _is_repeated(head: Head, first: Producer) -> bool:
    """Whether the current attempt was opened by the same request, and nothing of it is reported."""
    return (
        bool(first.key) and head.producer is not None and (head.producer.sequence, head.producer.key) == (0, first.key)
    )


def _status(head: Head) -> Status | None:
    """How the task has ended; None if it has not."""
    return head.event.status if isinstance(head.event, Progress) and head.event.terminal else None


def _refreshes(head: Head, more: int, now: float) -> bool:
    """Whether the progress is stored again with `more` other events, so that a log without its start still has it."""
    aged = head.event is not None and now - head.event.at >= REFRESH_SECONDS
    return aged or head.n // PROGRESS_EVERY < (head.n + more) // PROGRESS_EVERY


def _encoded(result: Any) -> bytes:
    """The JSON of a result. Raises TooLargeError and NestedTooDeepError."""
    encoded = codec.encode_json(result)
    codec.check_depth(encoded)
    if len(encoded) > MAX_RESULT_BYTES:
        raise TooLargeError("the result", len(encoded), MAX_RESULT_BYTES)
    return encoded


def _last(latest: Progress, before: Event | None, wanted: ReportEnd, result: bytes) -> Progress:
    """The terminal event. It keeps the position of the bar."""
    message = latest.message if wanted.message is None else wanted.message
    last = msgspec.structs.replace(latest, status=wanted.status, eta=None, sub=None, state="")
    if wanted.status == "completed":
        last.progress, last.data = 100.0, codec.raw(result)
    elif wanted.status == "error":
        last.error = _error(wanted)
        message = wanted.message or last.error.message
    elif wanted.message is None:
        message = cancelled_message(before.reason if isinstance(before, Cancel) else "")
    last.message = shorten(message)
    return last


def _error(wanted: ReportEnd) -> ErrorInfo:
    if wanted.error is None:
        return ErrorInfo("Error", shorten(wanted.message or "the task has failed"))
    found = wanted.error
    return ErrorInfo(
        shorten(found.type, MAX_TYPE_CHARS) or "Error",
        shorten(found.message),
        traceback=_tail(found.traceback),
    )


def _tail(traceback: str) -> str:
    """The end of a traceback, where most languages have the place of the error."""
    text = clean(traceback)
    return text if len(text) <= MAX_CHARS else "…" + text[-MAX_CHARS + 1 :]


def _contended(task: str) -> UnavailableError:
    return UnavailableError(f"other writers were faster at the log of {task} each time")
