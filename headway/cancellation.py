"""Watch the log of a running task for a request to cancel it and for a newer attempt."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from headway import codec
from headway.errors import CancelRequestedError, EndedError, LogError, MalformedEventError, SupersededError
from headway.eventlog.follow import follow
from headway.eventlog.log import Log
from headway.events import Cancel, Event, Progress
from headway.lifecycle import JobLifecycle
from headway.service.retry import retry

logger = logging.getLogger(__name__)


async def watch(log: Log, lifecycle: JobLifecycle, after: int) -> None:
    """Stop the job when an event after sequence `after` says so, then return. Retries while NATS is unreachable."""
    await retry(lambda: _watch(log, lifecycle, after))


async def _watch(log: Log, lifecycle: JobLifecycle, after: int) -> None:
    job = lifecycle.job
    if job.stopped is not None:
        return
    events = follow(log, job.task, after)
    assert isinstance(events, AsyncGenerator)
    async with aclosing(events):
        async for followed in events:
            try:
                reason = reason_to_stop(codec.decode(followed.payload, job.task), job.attempt)
            except MalformedEventError:
                logger.warning(
                    "an entry of a log is not an event", extra={"action": "event_malformed", "task": job.task}
                )
                continue
            if reason is not None:
                lifecycle.stop(reason)
                return


def cancelled_message(reason: str) -> str:
    """Return the message of a cancelled task."""
    return f"cancelled: {reason}" if reason else "cancelled"


def reason_to_stop(event: Event, attempt: int) -> LogError | None:
    """Return why an attempt must stop when `event` is in its log; None to continue."""
    if event.attempt > attempt:
        return SupersededError(event.task, attempt, event.attempt)
    if isinstance(event, Cancel):
        return CancelRequestedError(event.task, event.reason)
    if isinstance(event, Progress) and event.terminal:
        return EndedError(event.task, event.status)
    return None
