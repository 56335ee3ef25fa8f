"""The end of a task's log, from which the next step of a job or of a reporter is decided."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from headway import codec
from headway.errors import UnavailableError
from headway.eventlog.chain import EMPTY, Head, read_head
from headway.eventlog.log import Log
from headway.events import Progress
from headway.ownership import UNKNOWN, Ownership


class LogEnd(NamedTuple):
    """The last event of a log and the last progress in it."""

    head: Head
    latest: Progress | None
    """None when there is no progress, or when it was trimmed."""


NO_LOG = LogEnd(EMPTY, None)


async def read_log_end(log: Log, task: str, ownership: Ownership = UNKNOWN) -> LogEnd:
    """Read the end of a task's log; `ownership` is that of a log that names none. Raises UnavailableError."""
    head = await read_head(log, task)
    if head.ownership == UNKNOWN:
        head = head._replace(ownership=ownership)
    return LogEnd(head, await latest_progress(log, task, head))


async def latest_progress(log: Log, task: str, head: Head) -> Progress | None:
    """The last progress up to `head`; None when there is none, or when it was trimmed. Raises UnavailableError."""
    if isinstance(head.event, Progress):
        return head.event
    if not head.snap:
        return None
    page = await log.read(task, head.snap, 1)
    if not page:
        raise UnavailableError(f"the log of {task} was read from a replica that is behind")
    if page[0].seq != head.snap:
        return None
    event = codec.decode(page[0].payload)
    return event if isinstance(event, Progress) else None


def last_progress(latest: Progress | None, **changes: object) -> Progress:
    """A terminal progress that keeps the position of the bar."""
    base = latest or Progress(status="queued", progress=0.0, message="", step="")
    return msgspec.structs.replace(base, eta=None, lost=0, alone=False, **changes)
