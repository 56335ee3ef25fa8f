"""Pull the jobs of one kind, as many as there are free slots for, until cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from headway.errors import UnavailableError
from headway.kind import Kind
from headway.service.retry import Retries
from headway_processor.context import Delivery, RunContext
from headway_processor.jobs.puller import Puller
from headway_processor.jobs.run import JobRun
from headway_processor.shutdown import RunningJobs
from headway_processor.slots import Slot, Slots

POLL_SECONDS = 1.0
"""How long one request waits for a job. It occupies a slot of the processor, and a shutdown waits for its end."""
BATCH_SECONDS = 0.2
"""How long one request waits for jobs that are known to wait, unless others take them. It occupies as many slots."""
MAX_BATCH = 50

Answer = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


class Worker:
    """Runs the jobs of one kind.

    Args:
        running: where the jobs run after they were pulled.
        slots: the slots of the processor, which all kinds share.
        processes: the slots that kinds with processes share; None for another kind.
    """

    def __init__(
        self,
        kind: Kind,
        puller: Puller,
        context: RunContext,
        running: RunningJobs,
        slots: Slots,
        processes: asyncio.Semaphore | None = None,
    ) -> None:
        self.kind = kind
        self.bound = False
        """Whether jobs can arrive now."""
        self.was_bound = False
        """Whether jobs could arrive at some time."""
        self._puller = puller
        self._context = context
        self._running = running
        self._slots = slots
        slots.add(kind.name, kind.concurrency)
        self._processes = processes
        self._retries = Retries(on_refused=self._on_refused)

    async def run(self) -> None:
        """Pull until cancelled. The jobs that were pulled continue in `running`."""
        try:
            await self._retries.run(self._bind_and_pull)
        finally:
            self.bound = False
            await self._puller.close()

    async def _bind_and_pull(self) -> None:
        await self._puller.bind()
        self.bound = self.was_bound = True
        self._retries.succeeded()
        while True:
            await self._pull()

    def _on_refused(self, error: UnavailableError) -> None:
        self.bound = False
        extra = {"action": "pull_refused", "kind": self.kind.name, "error": str(error)}
        logger.warning("jobs cannot be pulled", extra=extra)

    async def _pull(self) -> None:
        slots = [await self._slots.take(self.kind.name)]
        deliveries: Sequence[Delivery] = ()
        try:
            await self._context.admission.opened()
            await self._until_process_is_free()
            if self._processes is None:
                slots += self._slots.take_free(self.kind.name, min(self._puller.waiting, MAX_BATCH) - 1)
            deliveries = await self._puller.next(len(slots), POLL_SECONDS if len(slots) == 1 else BATCH_SECONDS)
        finally:
            for slot in slots[len(deliveries) :]:
                slot.end()
        # Without a pause: after a cancellation nobody would run the others.
        answers = [await self._start(*pair) for pair in zip(deliveries, slots, strict=False)]
        for answer in filter(None, answers):
            await answer()

    async def _start(self, delivery: Delivery, slot: Slot) -> Answer | None:
        """Run the job, without a pause. Return the answer to the queue for one that does not run here now."""
        if self._processes is not None:
            if self._processes.locked():  # by another kind: a request for jobs takes none, since it may wait
                slot.end()
                return delivery.nak
            await self._processes.acquire()
        run = JobRun(self._context, self.kind, delivery, slot)
        if self._running.runs(run.task):
            # NATS was unreachable for longer than ack_wait, so a job that runs here was delivered again.
            logger.info("a job that runs here was delivered again", extra={"action": "job_again", "task": run.task})
            self._free(slot)
            return delivery.extend
        self._running.start(run, partial(self._free, slot))
        return None

    async def _until_process_is_free(self) -> None:
        if self._processes is not None:
            async with self._processes:
                pass

    def _free(self, slot: Slot) -> None:
        slot.end()
        if self._processes is not None:
            self._processes.release()
