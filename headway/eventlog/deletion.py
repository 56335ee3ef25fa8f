"""The end of a deleted task's log: an event that late writers find after everything else was removed."""

from __future__ import annotations

import time

from headway import codec
from headway.errors import ConflictError, NotEndedError
from headway.eventlog.chain import Head, read_head
from headway.eventlog.log import Log
from headway.events import Deleted, is_terminal
from headway.ids import nonce


async def mark_deleted(log: Log, task: str) -> int:
    """Append the deletion of `task`, unless its log ends with one. Return the sequence of that event.

    Other streamers and processors learn from it that the task is deleted. Raises NotEndedError for a task without a
    terminal event, and UnavailableError.
    """
    while True:
        head = await read_head(log, task)
        if isinstance(head.event, Deleted):
            return head.seq
        if head.event is not None and not is_terminal(head.event):
            raise NotEndedError(task)
        msg_id = f"{task}.deleted.{nonce()}"
        try:
            # Not by a Chain, which lets nothing follow a terminal event.
            ack = await log.put(task, codec.encode(_after(head, task)), expected=head.seq, msg_id=msg_id)
        except ConflictError:
            continue
        return ack.seq


def _after(head: Head, task: str) -> Deleted:
    return Deleted(task=task, n=head.n + 1, attempt=head.attempt, at=round(time.time(), 3))
