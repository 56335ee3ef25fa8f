"""The jobs that run in this process, and how they end when it shuts down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from headway_processor.jobs.run import JobRun

HAND_BACK_SECONDS = 5.0
"""How long handing jobs back may take; longer only if NATS is away. Above `handling.STOP_SECONDS`."""

logger = logging.getLogger(__name__)


class Running:
    """The runs of jobs, by task."""

    def __init__(self) -> None:
        self._runs: dict[asyncio.Task[None], JobRun] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def has(self, task: str) -> bool:
        """Whether `task` runs here and its job is not answered yet."""
        return any(run.task == task and not run.delivery.answered for run in self._runs.values())

    def start(self, run: JobRun, on_end: Callable[[], None]) -> None:
        """Run it in the background; `on_end` is called after that."""

        def done(task: asyncio.Task[None]) -> None:
            del self._runs[task]
            on_end()

        task = asyncio.create_task(run.run(), name=f"job {run.task}")
        self._runs[task] = run
        task.add_done_callback(done)

    async def drain(self, grace_seconds: float) -> None:
        """Let the handlers end for `grace_seconds`, then hand the rest of the jobs back."""
        if await self._wait(grace_seconds):
            return
        logger.info("jobs are handed back", extra={"action": "hand_back", "jobs": len(self._runs)})
        for run in self._runs.values():
            run.hand_back()
        if await self._wait(HAND_BACK_SECONDS):
            return
        # NATS is away: the jobs are delivered again after ack_wait.
        logger.warning("jobs could not be handed back", extra={"action": "hand_back_failed", "jobs": len(self._runs)})
        for task in self._runs:
            task.cancel()
        await self._wait(1.0)

    async def _wait(self, seconds: float) -> bool:
        if self._runs:
            await asyncio.wait(self._runs, timeout=seconds)
        await asyncio.sleep(0)  # done callbacks run one step later
        return not self._runs
