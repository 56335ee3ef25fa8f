"""Jobs that end without an attempt: given up, cancelled before they began, already ended, or malformed."""

from __future__ import annotations

import logging
import random

from headway.cancellation import cancelled_message
from headway.errors import CancelRequestedError, ConflictError, EndedError
from headway.eventlog.chain import Chain, Head
from headway.eventlog.log import Log
from headway.eventlog.log_end import NO_LOG, LogEnd, last_progress, read_log_end
from headway.events import ErrorInfo, Progress, is_terminal
from headway.service.retry import retry
from headway.subjects import is_name
from headway_processor.attempts.decision import AlreadyEnded, CancelPending, GiveUp, Start
from headway_processor.attempts.given_up import GivenUpJob, reason_of
from headway_processor.context import DeadLetters, Delivery
from headway_processor.metrics import Metrics

WAITS = "its processor vanished while several tasks ran there: it runs again when fewer run beside it"
WAIT_SECONDS = (0.5, 2.0)
"""After how long, at random, a job that may not begin is delivered again."""

logger = logging.getLogger(__name__)


class UnstartedJob:
    """A job that ends without an attempt: what there is to store is stored, and only then the queue is answered."""

    def __init__(
        self, kind: str, delivery: Delivery, task: str, *, log: Log, dead_letters: DeadLetters, metrics: Metrics
    ) -> None:
        self._kind = kind
        self._delivery = delivery
        self._task = task
        self._log = log
        self._job = GivenUpJob(kind, delivery, task, dead_letters=dead_letters, metrics=metrics)
        self._metrics = metrics

    async def end(self, end: LogEnd, decision: AlreadyEnded | CancelPending | GiveUp) -> None:
        """End the job as decided. Raises SupersededError and EndedError when the log has another writer."""
        match decision:
            case GiveUp(error, failed):
                logger.error("a task is given up", extra=self._extra("given_up") | {"reason": error.message})
                await self._job.keep(reason_of(error), "given_up")
                await self._append(end.head, _failed(end.latest, error, failed))
            case CancelPending(reason):
                await self._append(
                    end.head, last_progress(end.latest, status="cancelled", message=cancelled_message(reason))
                )
            case AlreadyEnded():
                pass
        await self._delivery.ack()

    async def wait(self, end: LogEnd, decision: Start) -> bool:
        """Return a job to the queue that may not begin beside those that run. False when its log has changed.

        The task's log says so once: that it vanished, and that it waits.
        """
        if decision.lost and end.latest is not None and vanished_now(end.latest):
            event = last_progress(end.latest, status="retrying", message=WAITS)
            event.failed, event.lost = decision.failed, decision.lost
            chain = self._chain(end.head, decision.attempt)
            try:
                await chain.begin_here(event)
            except (CancelRequestedError, EndedError, ConflictError):
                return False
            logger.info("a task that vanished waits", extra=self._extra("suspect_waits") | {"lost": decision.lost})
        await self._delivery.nak(random.uniform(*WAIT_SECONDS))  # noqa: S311 - spreads load
        return True

    async def reject(self, reason: str) -> None:
        """End a job that cannot be decoded; its task too, if it has begun."""
        self._metrics.malformed(self._kind)
        logger.error("a message in the queue is not a job", extra=self._extra("job_malformed") | {"reason": reason})
        await self._job.keep(reason, "malformed")
        end = await retry(self._read_log_end) if is_name(self._task) else NO_LOG
        if end.head.event is not None and not is_terminal(end.head.event):
            # It has replaced the job of a task that people may watch.
            failed = end.latest.failed if end.latest else 0
            await self._append(end.head, _failed(end.latest, ErrorInfo("MalformedJob", reason), failed))
        await self._delivery.term()

    async def _read_log_end(self) -> LogEnd:
        return await read_log_end(self._log, self._task)

    async def _append(self, head: Head, event: Progress) -> None:
        await self._chain(head, head.attempt).append(event)

    def _chain(self, head: Head, attempt: int) -> Chain:
        return Chain(self._log, self._task, head, attempt=attempt, on_refused=self._metrics.store_failed)

    def _extra(self, action: str) -> dict[str, object]:
        return {"action": action, "kind": self._kind, "task": self._task}


def vanished_now(latest: Progress | None) -> bool:
    """Whether the log does not say yet that the last attempt has vanished."""
    return latest is None or latest.status == "processing"


def _failed(latest: Progress | None, error: ErrorInfo, failed: int) -> Progress:
    return last_progress(latest, status="error", message=error.message, error=error, failed=failed)
