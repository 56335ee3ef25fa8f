"""The writer's end of a task's log: append by chain.

Every append names the sequence that it follows, and one is in flight at a time. A writer that loses the race reads the
last event from the leader and learns why: its own retry had arrived (then it succeeded), somebody asks to cancel, a
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
from headway.eventlog.log import Log
from headway.eventlog.store_retries import OnRefused, StoreRetries
from headway.events import Cancel, Event, Progress, is_terminal
from headway.ids import nonce
from headway.jetstream.stored import Stored


class Head(NamedTuple):
    """The last event of a log, and what the next one needs of it."""

    seq: int = 0
    n: int = 0
    attempt: int = 0
    first: int = 0
    snap: int = 0
    event: Event | None = None


EMPTY = Head()


def head_after(event: Event, seq: int) -> Head:
    """The head of a log whose last event is `event`, stored at `seq`."""
    snap = seq if isinstance(event, Progress) else event.snap
    return Head(seq, event.n, event.attempt, event.first or seq, snap, event)


async def read_head(log: Log, task: str) -> Head:
    """The head of a task's log, decided by the leader. EMPTY when there is no event. Raises UnavailableError."""
    return await _head_of(log, task, await log.last(task))


async def _head_of(log: Log, task: str, last: Stored | None) -> Head:
    if last is None:
        return EMPTY
    try:
        return head_after(codec.decode(last.payload, task), last.seq)
    except MalformedEventError:
        return await _head_before(log, task, last)


async def _head_before(log: Log, task: str, last: Stored) -> Head:
    # Something foreign was stored on the subject. It is set aside: the chain goes on from the last good event.
    good, start = EMPTY, 1
    while page := await log.read(task, start):
        for stored in page:
            try:
                good = head_after(codec.decode(stored.payload, task), stored.seq)
            except MalformedEventError:
                continue
        start = page[-1].seq + 1
    return good._replace(seq=max(last.seq, good.seq))


class Chain:
    """Appends to one task's log. One append at a time: the caller waits for each.

    Args:
        attempt: what the events carry; None follows whatever attempt the log is at (cancel requests).
        patient: True waits until NATS answers and has space; False raises UnavailableError at once.
        on_refused: called each time when it does not answer, or has no space.
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
        """The cancel request that the chain has met, if any. After it only a terminal event is stored."""
        self._retries = StoreRetries(task, "events", on_refused) if patient else None
        self._writer = nonce()
        self._count = 0

    async def begin(self, event: Event) -> Head:
        """Append the first event of an attempt: also SupersededError when another writer has begun the same attempt."""
        return await self._append(event, newest=None if self.attempt is None else self.attempt - 1)

    async def append(self, event: Event) -> Head:
        """Store `event` as the next one of the log; it returns when the log has acknowledged it.

        Raises SupersededError and EndedError (write nothing more), CancelRequestedError (write the terminal event,
        nothing else), EventTooLargeError, and UnavailableError if not patient.
        """
        return await self._append(event, newest=self.attempt)

    async def _append(self, event: Event, newest: int | None) -> Head:
        self._count += 1
        msg_id = f"{self.task}.{self._writer}.{self._count}"
        while True:
            self._check(event, newest)
            stamped = self._stamp(event)
            try:
                ack = await self.log.put(self.task, codec.encode(stamped), expected=self.head.seq, msg_id=msg_id)
            except ConflictError:
                if await self._catch_up(msg_id):
                    return self.head
            except UnavailableError as error:
                await self._wait(error)
            else:
                self._succeeded()
                # A duplicate below the head is our own lost try, with another writer's event after it.
                if ack.seq > self.head.seq:
                    self.head = head_after(stamped, ack.seq)
                return self.head

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
        """Read the end of the log after an append was refused. True when it had been stored by an earlier try."""
        before = self.head.seq
        last, self.head = await self._read()
        if last is None or last.msg_id == msg_id:
            return last is not None
        try:
            since = await self.log.read(self.task, before + 1)
        except UnavailableError:
            return False  # the next try finds out by its message id
        return any(stored.msg_id == msg_id for stored in since)

    def _check(self, event: Event, newest: int | None) -> None:
        """Whether `event` may follow what is known of the log. Raises EndedError and its siblings when it may not."""
        head = self.head
        if head.event is not None and is_terminal(head.event):
            raise EndedError(self.task, getattr(head.event, "status", ""))
        if newest is not None and head.attempt > newest:
            raise SupersededError(self.task, newest, head.attempt)
        if isinstance(head.event, Cancel):
            self.cancel = head.event
        # Otherwise a later attempt could find a tick at the end of the log and never learn of the request.
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
