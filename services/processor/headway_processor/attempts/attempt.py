"""One attempt at a task: runs the handler, stores how it ended, then answers the queue."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec

from headway.cancellation import cancelled_message, watch
from headway.checkpoint import StoredCheckpoint
from headway.errors import CancelRequestedError, EndedError, SupersededError, TooLargeError
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.store_retries import StoreRetries
from headway.events import ErrorInfo, Status, is_terminal
from headway.failure import Failure
from headway.kind import Kind
from headway.lifecycle import JobLifecycle
from headway.opened_file import TaskFiles
from headway.service.delayed_task import DelayedTask
from headway.service.supervisor import cancel_and_wait
from headway.values.results import MAX_RESULT_BYTES, Encoded
from headway_processor.attempts.decision import (
    Abandon,
    Cancelled,
    Complete,
    Conclusion,
    Fail,
    HandBack,
    Retry,
    RetryPolicy,
    Start,
    conclude,
)
from headway_processor.attempts.errors import ShutdownError
from headway_processor.attempts.executor import HandlerRun, ProcessHandlerRun, start
from headway_processor.attempts.family import Family
from headway_processor.attempts.given_up import GivenUpJob, reason_of
from headway_processor.attempts.resumption import remove_checkpoints
from headway_processor.attempts.starter import GONE, Starter
from headway_processor.context import Checkpoints, DeadLetters, Delivery, Processes, Results
from headway_processor.metrics import Metrics
from headway_processor.outcome import Failed, HandlerOutcome, Raised, StillRuns
from headway_processor.settings import Settings

UNWATCHED_SECONDS = 0.05
"""A handler that ends sooner is not watched, which costs a subscription and a read. Nothing is missed: the watch reads
what the log has got since the attempt began."""
HANDED_BACK = "handed back: the processor shuts down"

logger = logging.getLogger(__name__)


class Attempt:
    """An attempt whose first event is stored.

    Args:
        chain: appends to the task's log; its head is the first event of the attempt.
        decision: that it begins.
        alone: whether it is on trial alone in this processor, until `end_trial`.
        starter: the client whose absence ends the task; None when the task does not depend on it.
        family: its parent and its children.
        dead_letters: take the job if its task fails.
        resumed: the checkpoint from which it continues; None for an attempt from the start.
        checkpoints: takes the checkpoints of the handler.
        results: takes results that are too large for an event.
        processes: run the handlers of kinds with the executor "process".
    """

    def __init__(
        self,
        kind: Kind,
        delivery: Delivery,
        chain: Chain,
        decision: Start,
        starter: Starter | None = None,
        *,
        family: Family,
        dead_letters: DeadLetters,
        resumed: StoredCheckpoint | None = None,
        alone: bool = False,
        results: Results,
        processes: Processes,
        checkpoints: Checkpoints,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._kind = kind
        self._delivery = delivery
        self._log = chain.log
        self._chain = chain
        self._starter = starter
        self._family = family
        self._given_up = GivenUpJob(kind.name, delivery, chain.task, dead_letters=dead_letters, metrics=metrics)
        self._results = results
        self._processes = processes
        self._checkpoints = checkpoints
        self._resumed = resumed
        self._metrics = metrics
        self._strict_results = settings.strict_results
        self._policy = RetryPolicy(
            decision.failed,
            kind.retries,
            settings.retry_delay_seconds,
            kind.retry_delay,
            random=random.random(),  # noqa: S311 - no secret
            tracebacks=settings.tracebacks,
        )
        self._begun = chain.head.seq
        self._stopping = asyncio.Event()
        self._lifecycle = JobLifecycle(
            chain,
            kind=kind.name,
            failed=decision.failed,
            lost=decision.lost,
            alone=alone,
            on_stop=lambda _: self._stopping.set(),
            interval_seconds=settings.interval_seconds,
            beat_seconds=settings.beat_seconds,
            checkpoints=checkpoints,
            checkpoint_seconds=settings.checkpoint_seconds,
            resumed=resumed,
        )
        self._job = self._lifecycle.job
        family.join(self._lifecycle)

    async def run(self, params: Any, raw_params: bytes) -> None:
        """Run the handler to its end. Raises SupersededError and EndedError when the log has another writer.

        `raw_params` are the parameters as JSON.
        """
        metrics, kind = self._metrics, self._kind.name
        metrics.started(kind)
        begun, status = time.monotonic(), "abandoned"
        try:
            outcome = await self._handle(lambda: self._begin(params, raw_params))
            status = await self._conclude(outcome)
        finally:
            await self._family.close()
            await self._lifecycle.abort()
            metrics.finished(kind, status, time.monotonic() - begun)

    def allow_files(self, files: TaskFiles) -> None:
        """Let the handler open files of the task's owner."""
        self._job.allow_files(files)

    def hand_back(self, reason: str = HANDED_BACK) -> None:
        """Stop the handler and give the job to another processor; no effect once the handler has ended."""
        self._lifecycle.stop(ShutdownError(reason))

    async def end_trial(self) -> None:
        """Store that other tasks may begin beside this one. Return when the log has it, or when the attempt ends."""
        await self._lifecycle.end_trial()

    def _begin(self, params: Any, raw_params: bytes) -> HandlerRun:
        if self._kind.executor == "process":
            return ProcessHandlerRun(self._processes.start(self._kind, self._lifecycle, raw_params))
        return start(self._kind, self._job, params)

    async def _handle(self, begin: Callable[[], HandlerRun]) -> HandlerOutcome:
        job = self._job
        self._lifecycle.start()
        watch_log = DelayedTask(
            UNWATCHED_SECONDS, lambda: watch(self._log, self._lifecycle, self._begun), name=f"watch {job.task}"
        )
        watching: list[asyncio.Task[None]] = []
        if self._starter is not None:
            absence = self._stop_when_gone(self._starter)
            watching.append(asyncio.create_task(absence, name=f"starter of {job.task}"))
        if self._family.parent:
            with_parent = self._family.stop_with_parent(self._lifecycle)
            watching.append(asyncio.create_task(with_parent, name=f"parent of {job.task}"))
        loop, limit = asyncio.get_running_loop(), self._kind.timeout_seconds
        begun = loop.time()
        try:
            outcome = await self._until_end(begin(), limit)
            settling = self._family.settle(outcome)
            if settling is None:
                return outcome
            left = None if limit is None else max(limit - (loop.time() - begun), 0.0)
            return await self._until_end(settling, left)
        finally:
            # Before the terminal event: it would be taken for that of another writer.
            await watch_log.stop()
            for task in watching:
                await cancel_and_wait(task)

    async def _until_end(self, handling: HandlerRun, seconds: float | None) -> HandlerOutcome:
        limit = self._kind.timeout_seconds
        try:
            outcome = await handling.until_end(self._lifecycle, self._stopping, seconds, limit)
            if isinstance(outcome, StillRuns):
                self._abandon(handling)
            return await handling.settled(outcome)
        finally:
            handling.leave()

    def _abandon(self, handling: HandlerRun) -> None:
        self._metrics.abandoned(self._kind.name, 1)
        handling.future.add_done_callback(lambda _: self._metrics.abandoned(self._kind.name, -1))

    async def _stop_when_gone(self, starter: Starter) -> None:
        starter.restart()
        await starter.gone()
        logger.info(
            "a task is cancelled: its starter has gone", extra={"action": "starter_gone", "task": self._job.task}
        )
        self._lifecycle.stop(CancelRequestedError(self._job.task, GONE))

    async def _conclude(self, outcome: HandlerOutcome) -> str:
        job = self._job
        conclusion = conclude(job.stopped, outcome, self._policy)
        if job.stopped is None:
            self._log_failure(outcome)
        if isinstance(conclusion, Complete):
            conclusion = self._with_result(conclusion.value)
        await self._family.end(conclusion)
        try:
            return await self._store(conclusion)
        except CancelRequestedError as request:  # it was requested just before the retry was stored
            return await self._store(Cancelled(request.reason))
        except TooLargeError as error:  # also from a server with a very small max_payload
            return await self._store(_too_large(error))

    def _log_failure(self, outcome: HandlerOutcome) -> None:
        extra = {
            "action": "handler_failed",
            "task": self._job.task,
            "kind": self._kind.name,
            "attempt": self._job.attempt,
        }
        match outcome:
            case Raised(error):
                logger.warning("a handler failed", extra=extra, exc_info=error)
            case Failed((error, _)):
                extra |= {"error": f"{error.type}: {error.message}", "traceback": error.traceback}
                logger.warning("a handler failed in its process", extra=extra)

    async def _store(self, conclusion: Conclusion) -> str:
        """Store the last event of the attempt, and only then answer the queue. Return the status for the metrics."""
        match conclusion:
            case Complete(result):
                return await self._complete(result.raw)
            case Fail(error):
                await self._given_up.keep(reason_of(error), "failed")
                return await self._end("error", message=error.message, error=error)
            case Cancelled(reason, note):
                message = "; ".join(filter(None, (cancelled_message(reason), note)))
                return await self._end("cancelled", message=message)
            case Retry(error, delay_seconds):
                message = f"{error.message}; the next attempt begins in {delay_seconds:g} s"
                await self._lifecycle.finish("retrying", message=message, error=error)
                await self._delivery.nak(delay_seconds)
                return "retrying"
            case HandBack():
                await self._lifecycle.finish("retrying", message=str(self._job.stopped))
                await self._delivery.nak()
                return "handed_back"
            case Abandon(reason):
                raise reason

    async def _end(self, status: Status, *, message: str, error: ErrorInfo | None = None) -> str:
        await self._lifecycle.finish(status, message=message, error=error)
        await self._delivery.ack()
        return status

    async def _complete(self, raw: bytes) -> str:
        data = await self._data(raw)
        await self._lifecycle.finish("completed", data=data)
        if self._lifecycle.has_checkpoint:
            await remove_checkpoints(self._checkpoints, self._job.task)
        await self._delivery.ack()
        return "completed"

    def _with_result(self, result: Encoded) -> Conclusion:
        """Return the conclusion for a result: a failure if a part had to be kept as text and results are strict."""
        if result.places and self._strict_results:
            return self._policy.after(Failure(ErrorInfo("UnserialisableResult", result.warning)))
        if result.places:
            self._job.log(result.warning, "warning", logger="headway.result")
        return Complete(result)

    async def _data(self, raw: bytes) -> object:
        """Return what the event holds: the result, or a link to it if it is large."""
        if len(raw) <= MAX_RESULT_BYTES:
            return msgspec.Raw(raw)
        retries = StoreRetries(self._job.task, "result", self._metrics.store_failed)
        await retries.run(lambda: self._put_result(raw))
        return {"href": f"/api/v1/tasks/{self._job.task}/result", "bytes": len(raw)}

    async def _put_result(self, raw: bytes) -> None:
        # The object store has no fencing: a superseded attempt must not overwrite the result of the newer one.
        task, attempt = self._job.task, self._job.attempt
        head = await read_head(self._log, task)
        if head.event is not None and is_terminal(head.event):
            raise EndedError(task, getattr(head.event, "status", ""))
        if head.attempt > attempt:
            raise SupersededError(task, attempt, head.attempt)
        await self._results.put(task, raw)
        self._chain.stored_beside(len(raw))


def _too_large(error: TooLargeError) -> Fail:
    # Not retryable: another attempt would end with the same bytes, indefinitely.
    return Fail(ErrorInfo("ResultTooLarge", f"the result cannot be stored: {error}"))
