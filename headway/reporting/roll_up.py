"""Tasks that consist of others, or wait for others: what is stored of them when one of the others ends.

Whoever ends a task does it for the task's parent: it reads what the parent consists of and waits for, and appends what
that adds up to. The result is the same whoever does it and however often, so that it can be repeated.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec

from headway import codec
from headway.errors import CancelRequestedError, ConflictError, EndedError, MalformedEventError, SupersededError
from headway.eventlog.chain import Chain, Head, read_head
from headway.eventlog.log import Log
from headway.events import Cancel, Deleted, ErrorInfo, Event, Progress, is_terminal
from headway.ownership import UNKNOWN
from headway.records import TaskRecord, decode_task
from headway.values.results import MAX_RESULT_BYTES

MAX_TASKS = 4000
"""Tasks that one may consist of and wait for: their ids fit in its record."""
MAX_DEPTH = 16
"""Parents above a task that are looked at."""
_PAGE = 1000


class Records(Protocol):
    """Where the records of tasks are kept."""

    async def get(self, key: str) -> bytes | None:
        """The record of a task. Raises UnavailableError."""


class RollUp:
    """Stores what tasks add up to.

    Args:
        log: where all of them are.
        records: of the tasks.
    """

    def __init__(self, log: Log, records: Records) -> None:
        self._log = log
        self._records = records

    async def update(self, task: str) -> None:
        """Store what the tasks add up to that `task` consists of and waits for; if it ends by that, its parent is next.

        Nothing is done for other tasks. Raises UnavailableError.
        """
        for _ in range(MAX_DEPTH):
            record = await self._record(task)
            if record is None or not await self._has_ended(record):
                return
            task = record.parent

    async def _record(self, task: str) -> TaskRecord | None:
        raw = await self._records.get(task) if task else None
        try:
            record = None if raw is None else decode_task(raw, task)
        except MalformedEventError:
            return None
        return record if record is not None and record.reported and (record.after or record.children) else None

    async def _has_ended(self, record: TaskRecord) -> bool:
        """Store what is new. Whether the task has ended, by this or before."""
        while True:
            head = await self._head(record.task, record)
            if head.event is not None and is_terminal(head.event):
                return True
            event = await self._next(record, head)
            if event is None:
                return False
            try:
                await self._chain(record, head).append_here(event)
            except ConflictError:
                continue
            except EndedError:
                return True
            except (SupersededError, CancelRequestedError):
                return False
            return event.terminal

    async def _next(self, record: TaskRecord, head: Head) -> Progress | None:
        """The event that `record` lacks; None when there is nothing new to say."""
        if record.after and (head.attempt == 0 or record.children):
            before = await self._progress(record.after)
            if (cause := _unsuccessful(before)) is not None:
                await self._end_waiting([*record.after, *record.children], cause)
                return _prevented(cause)
            if not record.children:
                return _news(_waiting(before, len(record.after)), head.event)
        if record.children:
            return _news(summed(await self._progress(record.children), len(record.children)), head.event)
        return None

    async def _end_waiting(self, tasks: list[str], cause: Progress) -> None:
        """End those of `tasks` that no worker has begun, and what they wait for in turn."""
        for task in tasks:
            record = await self._record(task)
            if record is not None:
                await self._end_waiting([*record.after, *record.children], cause)
            head = await self._head(task, record)
            if head.attempt == 0 and (head.event is None or not is_terminal(head.event)):
                chain = self._chain(record or TaskRecord(task=task, kind="", created=0.0), head)
                try:
                    await chain.append_here(_prevented(cause))
                except (ConflictError, EndedError, SupersededError):
                    continue  # it has begun meanwhile, or another one was faster

    async def _head(self, task: str, record: TaskRecord | None) -> Head:
        head = await read_head(self._log, task)
        if head.ownership == UNKNOWN and record is not None:
            head = head._replace(ownership=record.ownership)
        return head

    def _chain(self, record: TaskRecord, head: Head) -> Chain:
        attempt = max(head.attempt, 1 if record.children else 0)
        return Chain(self._log, record.task, head, attempt=attempt, patient=False)

    async def _progress(self, tasks: list[str]) -> list[Progress]:
        """The last event of each of `tasks` that has one, unless it is no progress."""
        found: dict[str, Progress] = {}
        for start in range(0, len(tasks), _PAGE):
            stored, _ = await self._log.lasts(tasks[start : start + _PAGE])
            found |= {
                event.task: event for event in map(_decoded, (one.payload for one in stored)) if event is not None
            }
        return [found[task] for task in tasks if task in found]


class Batched:
    """A `RollUp` for a process in which many tasks of one parent may end at the same time: they share an update.

    Args:
        seconds: how long an update waits for others.
    """

    def __init__(self, roll_up: RollUp, seconds: float = 0.05) -> None:
        self._roll_up = roll_up
        self._seconds = seconds
        self._waiting: dict[str, asyncio.Task[None]] = {}

    async def update(self, task: str) -> None:
        """As that of the roll-up, a little later."""
        if (waiting := self._waiting.get(task)) is None:
            waiting = self._waiting[task] = asyncio.create_task(self._later(task))
        await asyncio.shield(waiting)

    async def _later(self, task: str) -> None:
        await asyncio.sleep(self._seconds)
        del self._waiting[task]  # who comes from now on may have ended too late for this one
        await self._roll_up.update(task)


def _decoded(raw: bytes) -> Progress | None:
    try:
        event: Event = codec.decode(raw)
    except MalformedEventError:
        return None
    if isinstance(event, Deleted):  # it had ended before; how, nobody knows any more
        return Progress(task=event.task, status="completed", progress=100.0, message="", step="")
    return event if isinstance(event, Progress) else None


def summed(events: list[Progress], total: int) -> Progress:
    """The progress of a task that consists of `total` others, of which `events` are the last ones."""
    done = sum(event.terminal for event in events)
    bad = [event for event in events if event.terminal and event.status != "completed"]
    message = f"{len(bad)} of {total} tasks were not successful" if bad else ""
    made = Progress(
        status="processing", progress=min(100.0 * done / total, 99.9), message=message, step="",
        done=float(done), total=float(total), unit="tasks",
    )  # fmt: skip
    if done < total:
        return made
    if not bad:
        made.status, made.progress, made.data = "completed", 100.0, _results(events)
        return made
    cause = next((event for event in bad if event.status == "error"), bad[0])
    made.status = cause.status
    if cause.error is not None:
        made.error = msgspec.structs.replace(cause.error, message=f"{message}; {cause.error.message}", traceback="")
    return made


def _results(events: list[Progress]) -> object:
    """The results of all, in their order, unless they are too many to show."""
    raw = codec.encode_json([None if event.data is msgspec.UNSET else event.data for event in events])
    return codec.raw(raw) if len(raw) <= MAX_RESULT_BYTES else msgspec.UNSET


def _waiting(before: list[Progress], total: int) -> Progress:
    done = sum(event.terminal for event in before)
    running = next((event.message for event in before if not event.terminal and event.status != "queued"), "")
    return Progress(
        status="queued", progress=0.0, message=running, step="", done=float(done), total=float(total), unit="tasks"
    )


def _unsuccessful(events: list[Progress]) -> Progress | None:
    return next((event for event in events if event.terminal and event.status != "completed"), None)


def _prevented(cause: Progress) -> Progress:
    """The end of a task whose forerunner has ended in `cause`."""
    error = cause.error
    message = f"it never began: a task before it was not successful: {error.message if error else cause.message}"
    if error is not None:
        error = ErrorInfo(error.type, message)
    return Progress(status=cause.status, progress=0.0, message=message, step="", error=error)


def _news(event: Progress, head: Event | None) -> Progress | None:
    """`event`, unless `head` says the same. After a request to cancel only an end can be stored."""
    if not event.terminal and (isinstance(head, Cancel) or (isinstance(head, Progress) and not event.done)):
        return None
    if isinstance(head, Progress) and (head.status, head.done, head.message) == (
        event.status, event.done, event.message,
    ):  # fmt: skip
        return None
    return event
