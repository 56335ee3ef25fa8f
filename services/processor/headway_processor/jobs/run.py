"""One delivered job: decide by the task's log what to do with it, and do it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from headway.codec import decode
from headway.errors import (
    CancelRequestedError,
    EndedError,
    MalformedEventError,
    ParamsError,
    SupersededError,
    UnavailableError,
)
from headway.eventlog.chain import EMPTY, Chain, Head, read_head
from headway.eventlog.log import Log
from headway.eventlog.store_retries import StoreRetries
from headway.events import ErrorInfo, Progress, is_terminal
from headway.records import JobMessage, decode_record
from headway.service.retry import retry
from headway.service.supervisor import cancel_and_wait, run_until_first_ends
from headway.subjects import is_name
from headway.task import Kind
from headway_processor.attempts.attempt import Attempt, cancelled_message
from headway_processor.attempts.decision import CancelPending, Decision, GiveUp, Start, decide
from headway_processor.attempts.failure import describe
from headway_processor.attempts.starter import GONE, Starter
from headway_processor.context import Answers, RunContext

logger = logging.getLogger(__name__)


class JobRun:
    """The run of one delivered job. Nothing that happens in it ends the processor."""

    def __init__(self, context: RunContext, kind: Kind, delivery: Answers) -> None:
        self.task = delivery.subject.rpartition(".")[2]
        self.delivery = delivery
        self._context = context
        self._kind = kind
        self._attempt: Attempt | None = None
        self._leaving = asyncio.Event()
        self._starter: Starter | None = None
        self._starter_gone = False

    async def run(self) -> None:
        """Run it to its end. A job whose end is not in the log is not acked: it will be delivered again."""
        beats = asyncio.create_task(self._keep(), name=f"beats {self.task}")
        try:
            await self._run()
        except SupersededError:
            # No ack: the job belongs to the newer attempt, and an ack of ours would take it away.
            self._context.metrics.superseded(self._kind.name)
            logger.warning("an attempt is superseded", extra=self._extra("superseded"))
        except EndedError:
            # The terminal event stands in the log; a redelivery would find nothing else to do.
            await self.delivery.ack()
        except Exception:
            logger.exception("a job could not be run; it will be delivered again", extra=self._extra("job_failed"))
        finally:
            await cancel_and_wait(beats)

    def hand_back(self) -> None:
        """Stop the handler and give the job to another processor."""
        self._leaving.set()
        if self._attempt is not None:
            self._attempt.hand_back()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._context.settings.ack_wait_seconds / 3)
            await self.delivery.keep()

    async def _run(self) -> None:
        try:
            job = read_job(self.delivery.subject, self.delivery.payload)
        except MalformedEventError as error:
            await self._set_aside(str(error))
        else:
            async with AsyncExitStack() as stack:
                if job.cancel_on_disconnect:
                    self._starter = await stack.enter_async_context(self._listen())
                while not await self._proceed(job):
                    pass  # the log has changed since it was read: decide again

    def _listen(self) -> Starter:
        context = self._context
        return Starter(
            context.log,
            self.task,
            context.settings.starter_grace_seconds,
            connected=context.connected,
            on_reconnect=context.on_reconnect,
        )

    async def _proceed(self, job: JobMessage) -> bool:
        head, latest = await retry(self._end_of_log)
        crashes = self._context.settings.crashes
        decision = decide(head, latest, retries=self._kind.retries, crashes=crashes)
        if isinstance(decision, Start) and self._starter_gone:
            decision = CancelPending(GONE)
        if isinstance(decision, Start):
            if decision.attempt == 1 and self._starter is not None and self._starter_doubtful(job):
                return await self._await_starter(self._starter)
            try:
                params = self._kind.read_params(job.params)
            except ParamsError as error:
                invalid = ErrorInfo("InvalidParams", describe(error).message)
                decision = GiveUp(invalid, decision.failed)
            else:
                return await self._start(head, decision, params)
        await self._settle(head, latest, decision)
        return True

    def _starter_doubtful(self, job: JobMessage) -> bool:
        """Whether the starter may have gone while the job was queued. It was present when it submitted the job."""
        assert self._starter is not None
        waited_seconds = time.time() - job.submitted
        return waited_seconds > self._context.settings.starter_grace_seconds and not self._starter.heard.is_set()

    async def _await_starter(self, starter: Starter) -> bool:
        """Begin nothing before the starter was heard, or is known to be gone. False to decide again."""
        waits = {"heard": starter.heard.wait(), "gone": starter.gone(), "leaving": self._leaving.wait()}
        first = await run_until_first_ends(waits)
        if first == "leaving":
            await self.delivery.nak()
            return True
        self._starter_gone = first == "gone"
        return False

    async def _start(self, head: Head, decision: Start, params: Any) -> bool:
        chain = Chain(
            self._context.log, self.task, head, attempt=decision.attempt, on_refused=self._context.metrics.refused
        )
        first = Progress(status="processing", progress=0.0, message="", step="", failed=decision.failed)
        try:
            await chain.begin(first)
        except (CancelRequestedError, EndedError):
            return False
        self._attempt = Attempt(self._context, self._kind, self.delivery, chain, decision.failed, self._starter)
        if self._leaving.is_set():
            self._attempt.hand_back()
        await self._attempt.run(params)
        return True

    async def _end_of_log(self) -> tuple[Head, Progress | None]:
        head = await read_head(self._context.log, self.task)
        return head, await latest_progress(self._context.log, self.task, head)

    # Jobs that are not run

    async def _settle(self, head: Head, latest: Progress | None, decision: Decision) -> None:
        if isinstance(decision, GiveUp):
            error = decision.error
            logger.error("a task is given up", extra=self._extra("given_up") | {"reason": error.message})
            await self._bury(f"{error.type}: {error.message}")
            await self._append(head, _given_up(latest, error, decision.failed))
        elif isinstance(decision, CancelPending):
            message = cancelled_message(decision.reason)
            await self._append(head, _last(latest, status="cancelled", message=message))
        await self.delivery.ack()

    async def _set_aside(self, reason: str) -> None:
        self._context.metrics.malformed(self._kind.name)
        logger.error("a message in the queue is no job", extra=self._extra("job_malformed") | {"reason": reason})
        await self._bury(reason)
        head, latest = await retry(self._end_of_log) if is_name(self.task) else (EMPTY, None)
        if head.event is not None and not is_terminal(head.event):
            # It has taken the place of the job of a task that people may watch.
            await self._append(head, _given_up(latest, ErrorInfo("MalformedJob", reason)))
        await self.delivery.term()

    async def _bury(self, reason: str) -> None:
        # Before the terminal event: a crash in between repeats both, and the key keeps the dead job single.
        delivery, kind = self.delivery, self._kind.name
        retries = StoreRetries(self.task, "dead job", self._context.metrics.refused)
        await retries.run(lambda: self._context.archive.bury(kind, self.task, delivery.payload, reason, delivery.key))
        self._context.metrics.buried(kind)

    async def _append(self, head: Head, event: Progress) -> None:
        chain = Chain(
            self._context.log, self.task, head, attempt=head.attempt, on_refused=self._context.metrics.refused
        )
        await chain.append(event)

    def _extra(self, action: str) -> dict[str, object]:
        return {"action": action, "kind": self._kind.name, "task": self.task}


async def latest_progress(log: Log, task: str, head: Head) -> Progress | None:
    """The last progress of a log that ends at `head`; None when there is none, or when it was trimmed.

    Raises UnavailableError.
    """
    if isinstance(head.event, Progress):
        return head.event
    if not head.snap:
        return None
    page = await log.read(task, head.snap, 1)
    if not page:
        raise UnavailableError(f"the log of {task} was read from a replica that is behind")
    if page[0].seq != head.snap:
        return None
    event = decode(page[0].payload)
    return event if isinstance(event, Progress) else None


def read_job(subject: str, payload: bytes) -> JobMessage:
    """The job in a message of the queue. Raises MalformedEventError when it is none, or not the one of its subject."""
    job = decode_record(payload, JobMessage)
    if not is_name(job.task) or subject.split(".")[-2:] != [job.kind, job.task]:
        raise MalformedEventError(f"not a job: task {job.task!r} of kind {job.kind!r} does not fit {subject!r}")
    return job


def _given_up(latest: Progress | None, error: ErrorInfo, failed: int | None = None) -> Progress:
    before = latest.failed if latest else 0
    return _last(
        latest, status="error", message=error.message, error=error, failed=before if failed is None else failed
    )


def _last(latest: Progress | None, **changes: object) -> Progress:
    """A terminal progress that leaves the bar where it is."""
    base = latest or Progress(status="queued", progress=0.0, message="", step="")
    return msgspec.structs.replace(base, eta=None, **changes)
