"""What is stored of a task by a process that does not run it: that it waits in a queue, and that it has ended."""

from __future__ import annotations

from contextlib import suppress

from headway.cancellation import cancelled_message
from headway.errors import EndedError, SupersededError, TaskTakenError
from headway.eventlog.chain import Chain
from headway.eventlog.log import Log
from headway.eventlog.log_end import last_progress
from headway.events import ErrorInfo, Progress, Status, is_terminal
from headway.records import TaskRecord
from headway.reporting.opening import Records, open_task
from headway.reporting.roll_up import RollUp
from headway.service.retry import retry

WAITING = "waiting for a worker"
"""Message of a queued task."""


async def submit_task(log: Log, records: Records, record: TaskRecord) -> None:
    """Store that a task waits in a queue, however long NATS is unreachable. One that has begun stays as it is.

    One that consists of others, or waits for them, gets what these add up to.

    Raises TaskTakenError for a task that is not reported, or has another owner.
    """
    _, (head, _) = await open_task(log, records, record, adopt=False)
    if head.event is None:
        chain = Chain(log, record.task, head, attempt=0)
        with suppress(EndedError, SupersededError):  # a worker was faster
            await chain.append(Progress(status="queued", progress=0.0, message=WAITING, step=""))
    if record.children or record.after:  # some may have ended before
        await retry(lambda: RollUp(log, records).update(record.task))


async def end_task(
    log: Log, records: Records, record: TaskRecord, status: Status, message: str, error: ErrorInfo | None
) -> None:
    """Store the end of a task whose worker cannot, however long NATS is unreachable. One that has ended stays so.

    An attempt that still runs is fenced by it: what it reports later is refused.
    """
    with suppress(TaskTakenError, EndedError, SupersededError):
        opened, (head, latest) = await open_task(log, records, record, adopt=True)
        if head.event is None or not is_terminal(head.event):
            chain = Chain(log, opened.task, head, attempt=head.attempt)
            if status == "cancelled" and chain.cancel is not None and chain.cancel.reason:
                message = cancelled_message(chain.cancel.reason)  # who asked for it says more than who carried it out
            await chain.append(last_progress(latest, status=status, message=message, error=error, state=""))
        await retry(lambda: RollUp(log, records).update(opened.parent))
