"""Open the record of a reported task, which another process may have opened before."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from headway import codec
from headway.errors import MalformedEventError, TaskTakenError
from headway.eventlog.chain import EMPTY
from headway.eventlog.log import Log
from headway.eventlog.log_end import LogEnd, read_log_end
from headway.records import TaskRecord, decode_task
from headway.service.retry import retry


class Records(Protocol):
    """Where the records of tasks are kept. Methods raise UnavailableError."""

    async def create(self, key: str, value: bytes) -> bool:
        """Store a record if there is none."""

    async def get(self, key: str) -> bytes | None:
        """The record of a task."""


class Opened(NamedTuple):
    """The record that is stored of a task, and the end of its log."""

    record: TaskRecord
    end: LogEnd


async def open_task(log: Log, records: Records, record: TaskRecord, *, adopt: bool) -> Opened:
    """Store `record` unless the task has one, however long NATS is unreachable. Return the stored one.

    Args:
        adopt: whether the task may have another owner: a worker of a queue continues what was submitted to it.

    Raises TaskTakenError for a task that is not reported, or has another owner.
    """
    raw = codec.encode_json(record)
    if await retry(lambda: records.create(record.task, raw)):
        return Opened(record, LogEnd(EMPTY._replace(ownership=record.ownership), None))
    earlier = _reported(await retry(lambda: records.get(record.task)), record.task) or record
    if not adopt and earlier.ownership != record.ownership:
        raise TaskTakenError(record.task)
    return Opened(earlier, await retry(lambda: read_log_end(log, record.task, earlier.ownership)))


def _reported(raw: bytes | None, task: str) -> TaskRecord | None:
    """The stored record; None if it has expired meanwhile."""
    if raw is None:
        return None
    try:
        record = decode_task(raw, task)
    except MalformedEventError as error:
        raise TaskTakenError(task) from error
    if not record.reported:
        raise TaskTakenError(task)
    return record
