"""Request that a task ends, whoever runs it."""

from __future__ import annotations

from contextlib import suppress

from headway.errors import CancelRequestedError, EndedError, SupersededError
from headway.eventlog.chain import Chain, Head, read_head
from headway.eventlog.log import Log
from headway.events import Cancel, Progress, is_terminal


async def request_cancel(log: Log, task: str, reason: str) -> None:
    """Request that `task` ends. Repeated requests have no further effect.

    A task that no processor has started ends here; a running one gets a request, which its processor handles.
    Raises EndedError if it has ended, and UnavailableError.
    """
    head = await read_head(log, task)
    if head.event is not None and is_terminal(head.event):
        raise EndedError(task, getattr(head.event, "status", ""))
    with suppress(CancelRequestedError):
        if head.attempt == 0:
            with suppress(SupersededError):
                await _end_unbegun(log, task, head, reason)
                return
        await Chain(log, task, head, patient=False).append(Cancel(reason=reason))


async def _end_unbegun(log: Log, task: str, head: Head, reason: str) -> None:
    # Fenced: if a processor has started the first attempt meanwhile, this is rejected.
    cancelled = Progress(status="cancelled", progress=0.0, message=reason, step="")
    await Chain(log, task, head, attempt=0, patient=False).append(cancelled)
