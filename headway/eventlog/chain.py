"""The writer's end of a task's log: append by chain.

Every append names the sequence that it follows, and one is in flight at a time. A writer that loses the race reads the
last event from the leader and finds the reason: an earlier try of its own was stored, a cancellation was requested, a
newer attempt runs, or the task has ended. One mechanism serves fencing, cancellation and duplicate submission.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import msgspec

from headway import codec
from headway.errors import (
    CancelRequestedError,
    ConflictError,
    EndedError,
    MalformedEventError,
    SupersededError,
    UnavailableError,
)
from headway.eventlog.log import Ack, Log
from headway.eventlog.store_retries import OnRefused, StoreRetries
from headway.events import Beat, Cancel, Event, Progress, is_terminal
from headway.ids import nonce
from headway.jetstream.stored import Stored
from headway.ownership import UNKNOWN, Ownership
from headway.producer import Producer


class Head(NamedTuple):
    """The last event of a log, and the values that the next event needs."""

    seq: int = 0
    n: int = 0
    attempt: int = 0
    first: int = 0
    snap: int = 0
    event: Event | None = None
    ownership: Ownership = UNKNOWN
    """Whose the task is: each event repeats it."""
    size: int = 0
    """Bytes that were stored of the task, its record apart: payloads of events, `EVENT_BYTES` for each of them, and
    results. Counted for tasks that have an owner, so that the bytes of a tenant can be summed up from last events."""
    producer: Producer | None = None
    """How far the task is reported over HTTP: each event repeats it."""


EMPTY = Head()
EVENT_BYTES = 256
"""Allowance for what the store keeps of an event beside its payload: subject, headers, and its own fields."""


def head_after(
    event: Event, seq: int, ownership: Ownership = UNKNOWN, size: int = 0, producer: Producer | None = None
) -> Head:
    """The head of a log whose last event is `event`, stored at `seq`."""
    snap = seq if isinstance(event, Progress) else event.snap
    return Head(seq, event.n, event.attempt, event.first or seq, snap, event, ownership, size, producer)


async def read_head(log: Log, task: str) -> Head:
    """The head of a task's log, as the leader knows it; EMPTY when there is no event. Raises UnavailableError."""
    return await _head_of(log, task, await log.last(task))


async def _head_of(log: Log, task: str, last: Stored | None) -> Head:
    if last is None:
        return EMPTY
    try:
        return _head_at(last)
    except MalformedEventError:
        return await _head_before(log, task, last)


def _head_at(stored: Stored) -> Head:
    event = codec.decode(stored.payload, stored.task)
    return head_after(event, stored.seq, stored.ownership, stored.size, stored.producer)


async def _head_before(log: Log, task: str, last: Stored) -> Head:
    # The subject holds third-party data. It is skipped: the chain continues from the last valid event.
    good, start = EMPTY, 1
    while page := await log.read(task, start):
        for stored in page:
            try:
                good = _head_at(stored)
            except MalformedEventError:
                continue
        start = page[-1].seq + 1
    return good._replace(seq=max(last.seq, good.seq))


class Chain:
    """Appends to one task's log. One append at a time: the caller waits for each.

    Args:
        attempt: the attempt that writes; None for the current attempt of the log (cancel requests).
        patient: whether to retry until NATS answers and has space, or to raise UnavailableError at once.
        on_refused: called with the error of each try that NATS did not answer or had no space for.
    """

    def __init__(
        self,
        log: Log,
        task: str,
        head: Head = EMPTY,
        *,
        attempt: int | None = None,
        patient: bool = True,
        on_refused: OnRefused | None = None,
    ) -> None:
        self.log = log
        self.task = task
        self.head = head
        self.attempt = attempt
        self.cancel: Cancel | None = head.event if isinstance(head.event, Cancel) else None
        """The cancel request in the log, if the chain has read one. After it only a terminal event is stored."""
        self._retries = StoreRetries(task, "events", on_refused) if patient else None
        self._writer = nonce()
        self._count = 0
        self._beside = 0

    def continue_from(self, head: Head, attempt: int) -> None:
        """Write as `attempt` after `head`, before anything else is written."""
        self.head, self.attempt = head, attempt
        self.cancel = head.event if isinstance(head.event, Cancel) else None

    def stored_beside(self, size: int) -> None:
        """Count bytes of a result that was stored beside the log."""
        self._beside += size

    async def begin(self, event: Event) -> Head:
        """Append the first event of an attempt: also SupersededError when another writer has begun the same attempt."""
        return await self._append(event, newest=self._before())

    async def begin_here(self, event: Event) -> Head:
        """Like `begin`, but right after the head that this chain knows.

        Raises ConflictError when an earlier attempt has written meanwhile: it may have stored a checkpoint.
        """
        try:
            return await self._append(event, newest=self._before(), here=True)
        except ConflictError:
            self._check(event, self._before())
            raise

    async def append(self, event: Event) -> Head:
        """Store `event` as the next one of the log. Return when the log has acknowledged it.

        Raises SupersededError and EndedError (nothing more may be stored), CancelRequestedError (only the terminal
        event may be stored), EventTooLargeError, and UnavailableError if not patient.
        """
        return await self._append(event, newest=self.attempt)

    async def beat(self) -> None:
        """Publish that the attempt runs; nothing is stored. Raises UnavailableError."""
        beat = Beat(task=self.task, attempt=self.attempt or 0)
        await self.log.beat(self.task, codec.encode_json(beat))

    async def append_here(self, event: Event) -> Head:
        """Like `append`, but right after the head that this chain knows: ConflictError when another event is there."""
        return await self._append(event, newest=self.attempt, here=True)

    def _before(self) -> int | None:
        return None if self.attempt is None else self.attempt - 1

    async def _append(self, event: Event, newest: int | None, *, here: bool = False) -> Head:
        self._count += 1
        msg_id = f"{self.task}.{self._writer}.{self._count}"
        while True:
            self._check(event, newest)
            stamped = self._stamp(event)
            payload = codec.encode(stamped)
            size, producer = self._size_with(payload), self._repeated_producer()
            try:
                ack = await self._put(payload, msg_id, size, producer)
            except ConflictError:
                if await self._catch_up(msg_id):
                    self._beside = 0
                    return self.head
                if here:
                    raise
            except UnavailableError as error:
                await self._wait(error)
            else:
                self._succeeded()
                # A duplicate below the head is an earlier try of this writer, followed by another writer's event.
                if ack.seq > self.head.seq:
                    self.head = head_after(stamped, ack.seq, self.head.ownership, size, producer)
                    self._beside = 0
                return self.head

    async def append_once(self, event: Event, producer: Producer) -> Head:
        """Append an event of `producer` if the log still ends at the head: another streamer may store the same one.

        Raises ConflictError if it does not, and else what `append` raises, UnavailableError at once.
        """
        self._count += 1
        self._check(event, self.attempt)
        stamped = self._stamp(event)
        payload = codec.encode(stamped)
        size, ownership = self._size_with(payload), self.head.ownership
        ack = await self._put(payload, f"{self.task}.{self._writer}.{self._count}", size, producer)
        self.head = head_after(stamped, ack.seq, ownership, size, producer)
        return self.head

    async def _put(self, payload: bytes, msg_id: str, size: int, producer: Producer | None) -> Ack:
        head = self.head
        return await self.log.put(
            self.task,
            payload,
            expected=head.seq,
            msg_id=msg_id,
            ownership=head.ownership,
            size=size,
            producer=producer,
        )

    def _repeated_producer(self) -> Producer | None:
        """The producer of the current attempt; the next one has none, unless it is opened over HTTP."""
        return self.head.producer if self.attempt in (None, self.head.attempt) else None

    def _size_with(self, payload: bytes) -> int:
        if self.head.ownership == UNKNOWN:
            return 0
        return self.head.size + EVENT_BYTES + len(payload) + self._beside

    def _stamp(self, event: Event) -> Event:
        head = self.head
        return msgspec.structs.replace(
            event,
            task=self.task,
            n=head.n + 1,
            attempt=head.attempt if self.attempt is None else self.attempt,
            at=round(time.time(), 3),
            first=head.first,
            snap=0 if isinstance(event, Progress) else head.snap,
        )

    async def _catch_up(self, msg_id: str) -> bool:
        """Read the end of the log after a conflict. True when an earlier try had stored the event."""
        before = self.head.seq
        last, self.head = await self._read()
        if last is None or last.msg_id == msg_id:
            return last is not None
        try:
            since = await self.log.read(self.task, before + 1)
        except UnavailableError:
            return False  # the server recognises the next try by its message id
        return any(stored.msg_id == msg_id for stored in since)

    def _check(self, event: Event, newest: int | None) -> None:
        """Raise EndedError, SupersededError or CancelRequestedError if `event` may not follow the head."""
        head = self.head
        if head.event is not None and is_terminal(head.event):
            raise EndedError(self.task, getattr(head.event, "status", ""))
        if newest is not None and head.attempt > newest:
            raise SupersededError(self.task, newest, head.attempt)
        if isinstance(head.event, Cancel):
            self.cancel = head.event
        # Otherwise a later attempt could find a progress at the end of the log and never see the request.
        if self.cancel is not None and not is_terminal(event):
            raise CancelRequestedError(self.task, self.cancel.reason)

    async def _read(self) -> tuple[Stored | None, Head]:
        while True:
            try:
                last = await self.log.last(self.task)
                return last, await _head_of(self.log, self.task, last)
            except UnavailableError as error:
                await self._wait(error)

    async def _wait(self, error: UnavailableError) -> None:
        if self._retries is None:
            raise error
        await self._retries.wait(error)

    def _succeeded(self) -> None:
        if self._retries is not None:
            self._retries.succeeded()
