"""Watch the log of a running task for a request to cancel it and for a newer attempt."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from headway import codec
from headway.errors import MalformedEventError
from headway.eventlog.follow import follow
from headway.eventlog.log import Log
from headway.lifecycle import JobLifecycle
from headway.service.retry import retry
from headway_processor.attempts.decision import reason_to_stop

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
