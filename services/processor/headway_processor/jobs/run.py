"""The run of one delivered job: what to do is decided from the task's log, and done."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import Any

from headway.checkpoint import StoredCheckpoint
from headway.children.waits import Slot
from headway.errors import (
    CancelRequestedError,
    ConflictError,
    EndedError,
    MalformedEventError,
    ParamsError,
    SupersededError,
)
from headway.eventlog.chain import Chain
from headway.eventlog.log_end import LogEnd, read_log_end
from headway.events import DELETED, ErrorInfo
from headway.failure import describe
from headway.kind import Kind
from headway.opened_file import TaskFiles
from headway.records import JobMessage, decode_record
from headway.service.delayed_task import DelayedTask
from headway.service.retry import retry
from headway.service.supervisor import cancel_and_wait, run_until_first_ends
from headway.subjects import is_name
from headway_processor.admission import Place
from headway_processor.attempts.attempt import Attempt
from headway_processor.attempts.decision import LOST, AlreadyEnded, CancelPending, GiveUp, Start, decide
from headway_processor.attempts.family import Family, ParentLog, read_parent
from headway_processor.attempts.resumption import Resumption, first_progress
from headway_processor.attempts.starter import GONE, Starter
from headway_processor.context import Delivery, RunContext
from headway_processor.jobs.noting_delivery import NotingDelivery
from headway_processor.jobs.unstarted import UnstartedJob, vanished_now
from headway_processor.suspects import Suspect

MADE_ROOM = "handed back: a task whose processors have vanished runs alone here"

logger = logging.getLogger(__name__)


class JobRun:
    """The run of one delivered job. No error in it ends the processor."""

    def __init__(self, context: RunContext, kind: Kind, delivery: Delivery, slot: Slot) -> None:
        self.task = delivery.subject.rpartition(".")[2]
        if kind.retention_seconds is not None:
            delivery = NotingDelivery(delivery, context.deletions, kind.name, self.task)
        self.delivery = delivery
        self._context = context
        self._kind = kind
        self._slot = slot
        self._unstarted = UnstartedJob(
            kind.name,
            delivery,
            self.task,
            log=context.log,
            dead_letters=context.dead_letters,
            metrics=context.metrics,
        )
        self._attempt: Attempt | None = None
        self._leaving = asyncio.Event()
        self._starter: Starter | None = None
        self._parent = ParentLog()
        self._starter_gone = False

    async def run(self) -> None:
        """Run the job to its end. A job whose end is not in the log is not acknowledged, so it is delivered again."""
        pause_seconds = self._context.settings.ack_wait_seconds / 3
        extending = DelayedTask(pause_seconds, lambda: self._extend(pause_seconds), name=f"ack_wait {self.task}")
        try:
            await self._run()
        except SupersededError:
            # No ack: the job belongs to the newer attempt, and an ack would remove it.
            self._context.metrics.superseded(self._kind.name)
            logger.warning("an attempt is superseded", extra=self._extra("superseded"))
        except EndedError as error:
            # The terminal event is in the log; another delivery would find nothing to do.
            await self._leave(error)
        except Exception:
            logger.exception("a job could not be run; it will be delivered again", extra=self._extra("job_failed"))
        finally:
            await extending.stop()

    async def _leave(self, end: EndedError) -> None:
        if end.status == DELETED:
            # A record, a result or a dead letter may have been stored after those of the task were removed.
            await retry(lambda: self._context.deletions.request(self.task))
        await self.delivery.ack()

    def hand_back(self) -> None:
        """Stop the handler and give the job to another processor."""
        self._leaving.set()
        if self._attempt is not None:
            self._attempt.hand_back()

    def make_room(self) -> None:
        """Stop the handler for a task that must run alone, and have the job delivered again."""
        if self._attempt is not None:
            self._attempt.hand_back(MADE_ROOM)

    async def _extend(self, pause_seconds: float) -> None:
        while True:
            await self.delivery.extend()
            await asyncio.sleep(pause_seconds)

    async def _run(self) -> None:
        try:
            job = read_job(self.delivery.subject, self.delivery.payload)
        except MalformedEventError as error:
            await self._unstarted.reject(str(error))
        else:
            async with AsyncExitStack() as stack:
                if job.cancel_on_disconnect:
                    self._starter = await stack.enter_async_context(self._listen())
                while not await self._proceed(job):
                    pass  # the log has changed since it was read: decide again

    def _listen(self) -> Starter:
        context, grace_seconds = self._context, self._context.settings.starter_grace_seconds
        return Starter(
            context.log, self.task, grace_seconds, connected=context.connected, on_reconnect=context.on_reconnect
        )

    async def _proceed(self, job: JobMessage) -> bool:
        """Decide and act. Return False when the decision has to be made again."""
        end = await retry(lambda: read_log_end(self._context.log, self.task, job.ownership))
        decision = decide(*end, retries=self._kind.retries, crashes=self._context.settings.crashes)
        if isinstance(decision, AlreadyEnded) and decision.status == DELETED:
            raise EndedError(self.task, DELETED)
        if isinstance(decision, Start):
            if job.parent:
                self._parent = await read_parent(self._context.log, job.parent)
            if self._starter_gone:
                decision = CancelPending(GONE)
            elif self._parent.ended:
                decision = CancelPending(self._parent.ended)
            elif decision.attempt == 1 and self._starter is not None and self._may_have_left(self._starter, job):
                return await self._await_starter(self._starter)
            else:
                try:
                    params = self._kind.read_params(job.params)
                except ParamsError as error:
                    decision = GiveUp(ErrorInfo("InvalidParams", describe(error).message), decision.failed)
                else:
                    return await self._admit(job, end, decision, params)
        await self._unstarted.end(end, decision)
        if isinstance(decision, GiveUp) and decision.error.type == LOST:
            self._context.admission.acquit()
        return True

    def _may_have_left(self, starter: Starter, job: JobMessage) -> bool:
        """Whether the starter may have gone while the job was queued. It was present when it submitted the job."""
        waited_seconds = time.time() - job.submitted
        return waited_seconds > self._context.settings.starter_grace_seconds and not starter.heard.is_set()

    async def _await_starter(self, starter: Starter) -> bool:
        """Wait until the starter is heard or gone, then return False; return True at a shutdown."""
        waits = {"heard": starter.heard.wait(), "gone": starter.gone(), "leaving": self._leaving.wait()}
        first = await run_until_first_ends(waits)
        if first == "leaving":
            await self.delivery.nak()
            return True
        self._starter_gone = first == "gone"
        return False

    async def _admit(self, job: JobMessage, end: LogEnd, decision: Start, params: Any) -> bool:
        suspect = Suspect(decision.lost, decision.failed > 0, decision.last_chance)
        # Those that are blamed for an earlier loss go first, so that the others do not vanish with them once more.
        behind = suspect.alone and not suspect.blamed and vanished_now(end.latest)
        place = None if behind else await self._context.admission.enter(suspect, self.make_room, self._leaving)
        if place is None:
            return await self._unstarted.wait(end, decision)
        try:
            return await self._start(job, end, decision, params, place)
        finally:
            place.leave()

    async def _start(self, job: JobMessage, end: LogEnd, decision: Start, params: Any, place: Place) -> bool:
        on_refused = self._context.metrics.store_failed
        chain = Chain(self._context.log, self.task, end.head, attempt=decision.attempt, on_refused=on_refused)
        resumed = await Resumption(self._context.log, self._context.checkpoints).find(job, end.latest)
        first = first_progress(resumed, failed=decision.failed)
        first.lost, first.alone = decision.lost, place.alone
        try:
            await chain.begin_here(first)
        except (CancelRequestedError, EndedError, ConflictError):
            return False
        attempt = self._attempt = self._new_attempt(job, chain, decision, resumed, alone=place.alone)
        if self._context.files is not None:
            attempt.allow_files(TaskFiles(self._context.files, end.head.ownership))
        if self._leaving.is_set():
            attempt.hand_back()
        trial = asyncio.create_task(_try(attempt, place), name=f"trial of {self.task}")
        try:
            await attempt.run(params, bytes(job.params))
        finally:
            await cancel_and_wait(trial)
        return True

    def _new_attempt(
        self, job: JobMessage, chain: Chain, decision: Start, resumed: StoredCheckpoint | None, *, alone: bool
    ) -> Attempt:
        context = self._context
        return Attempt(
            self._kind,
            self.delivery,
            chain,
            decision,
            self._starter,
            alone=alone,
            family=Family(job, context.children, self._slot, self._parent.seq),
            dead_letters=context.dead_letters,
            resumed=resumed,
            results=context.results,
            processes=context.processes,
            checkpoints=context.checkpoints,
            settings=context.settings,
            metrics=context.metrics,
        )

    def _extra(self, action: str) -> dict[str, object]:
        return {"action": action, "kind": self._kind.name, "task": self.task}


async def _try(attempt: Attempt, place: Place) -> None:
    """End the trial of a suspect: what began alone has stored that it is no longer alone before others begin."""
    if place.on_trial:
        await asyncio.sleep(place.trial_seconds)
        if place.alone:
            await attempt.end_trial()
        place.pass_trial()


def read_job(subject: str, payload: bytes) -> JobMessage:
    """Decode a message of the queue. Raises MalformedEventError when it is not the job that its subject names."""
    job = decode_record(payload, JobMessage)
    if not is_name(job.task) or subject.split(".")[-2:] != [job.kind, job.task]:
        raise MalformedEventError(f"not a job: task {job.task!r} of kind {job.kind!r} does not fit {subject!r}")
    return job
