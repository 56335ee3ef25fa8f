"""The relatives of a task: the parent whose end is its own, and the children that it submits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from headway import codec
from headway.children.children import Children, Parent, Stores
from headway.children.waits import Slot
from headway.errors import CancelRequestedError, MalformedEventError
from headway.eventlog.chain import read_head
from headway.eventlog.follow import follow
from headway.eventlog.log import Log
from headway.events import Event, is_terminal
from headway.lifecycle import JobLifecycle
from headway.records import JobMessage
from headway.service.retry import retry
from headway_processor.attempts.decision import Cancelled, Complete, Conclusion, Fail
from headway_processor.attempts.executor import HandlerRun
from headway_processor.outcome import HandlerOutcome, Raised, Returned

logger = logging.getLogger(__name__)


class Family:
    """The parent and the children of one attempt.

    Args:
        job: of the task.
        slot: lent while the handler waits for children.
        seq: sequence up to which the log of the parent is known to have no end.
    """

    def __init__(self, job: JobMessage, stores: Stores, slot: Slot, seq: int) -> None:
        self.parent = job.parent
        self._seq = seq
        self._task = job.task
        self._stores = stores
        self._slot = slot
        self._self = Parent(job.task, job.ownership, job.depth)
        self._children: Children | None = None

    def join(self, lifecycle: JobLifecycle) -> None:
        """Let the handler have children."""
        self._children = lifecycle.adopt(self._stores, self._self, self._slot)

    async def stop_with_parent(self, lifecycle: JobLifecycle) -> None:
        """Stop the handler when the parent has ended, then return."""
        reason = await parent_ended(self._stores.log, self.parent, self._seq)
        logger.info("a task ends with its parent", extra={"action": "parent_ended", "task": self._task})
        lifecycle.stop(CancelRequestedError(self._task, reason))

    def settle(self, outcome: HandlerOutcome | None) -> HandlerRun | None:
        """Begin to wait for the children that a handler left running which has returned; None if there are none."""
        children = self._children
        if children is None or not isinstance(outcome, Returned) or not children.unobserved:
            return None
        settling = asyncio.create_task(_settle(children, outcome), name=f"children of {self._task}")
        return HandlerRun(settling, settling.cancel)

    async def end(self, conclusion: Conclusion) -> None:
        """End the children of a task that ends. Those of one that is tried again continue: it finds them."""
        match conclusion:
            case Complete():
                reason = "its parent is completed"
            case Fail(error):
                reason = f"its parent has failed: {error.type}"
            case Cancelled(why):
                reason = f"its parent was cancelled: {why}"
            case _:
                return
        if self._children is not None:
            await self._children.end(reason)

    async def close(self) -> None:
        """Follow the children no more."""
        if self._children is not None:
            await self._children.close()


async def _settle(children: Children, outcome: Returned) -> HandlerOutcome:
    try:
        await children.settle()
    except Exception as error:  # noqa: BLE001 - it is that of the task
        return Raised(error)
    return outcome


class ParentLog(NamedTuple):
    """The end of a parent's log."""

    seq: int = 0
    ended: str = ""
    """Why its children end; empty while it runs."""


async def read_parent(log: Log, parent: str) -> ParentLog:
    """Read the end of the log of `parent`. Waits while NATS is unreachable."""
    head = await retry(lambda: read_head(log, parent))
    return ParentLog(head.seq, "" if head.event is None else _reason(head.event))


async def parent_ended(log: Log, parent: str, after: int) -> str:
    """Return why the children of `parent` end, once an event after sequence `after` says so."""
    events = follow(log, parent, after)
    assert isinstance(events, AsyncGenerator)
    async with aclosing(events):
        async for followed in events:
            try:
                reason = _reason(codec.decode(followed.payload, parent))
            except MalformedEventError:
                continue
            if reason:
                return reason
    raise AssertionError("a log has no end")


def _reason(event: Event) -> str:
    return f"its parent has ended: {getattr(event, 'status', '')}" if is_terminal(event) else ""
