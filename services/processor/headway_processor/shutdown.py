"""The jobs that run in this process, and how they end at a shutdown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from headway_processor.jobs.run import JobRun

HAND_BACK_SECONDS = 5.0
"""How long handing jobs back may take; only an unreachable NATS makes it longer. Above `executor.STOP_SECONDS`."""

logger = logging.getLogger(__name__)


class RunningJobs:
    """The job runs of this process, one asyncio task each."""

    def __init__(self) -> None:
        self._runs: dict[asyncio.Task[None], JobRun] = {}
        self._latest: dict[str, JobRun] = {}
        """The run of each task; of two the later, which begins when the earlier is answered."""

    def __len__(self) -> int:
        return len(self._runs)

    def runs(self, task: str) -> bool:
        """Return whether `task` runs here and its delivery is not answered yet."""
        return task in self._latest and not self._latest[task].delivery.answered

    def start(self, run: JobRun, on_end: Callable[[], None]) -> None:
        """Run a job in the background; call `on_end` when it has ended."""

        def done(task: asyncio.Task[None]) -> None:
            del self._runs[task]
            if self._latest.get(run.task) is run:
                del self._latest[run.task]
            on_end()

        task = asyncio.create_task(run.run(), name=f"job {run.task}")
        self._runs[task] = self._latest[run.task] = run
        task.add_done_callback(done)

    async def drain(self, grace_seconds: float) -> None:
        """Wait `grace_seconds` for the jobs to end, then hand the others back."""
        if await self._wait(grace_seconds):
            return
        logger.info("jobs are handed back", extra={"action": "hand_back", "jobs": len(self._runs)})
        for run in self._runs.values():
            run.hand_back()
        if await self._wait(HAND_BACK_SECONDS):
            return
        # NATS is unreachable: the jobs are delivered again after ack_wait.
        logger.warning("jobs could not be handed back", extra={"action": "hand_back_failed", "jobs": len(self._runs)})
        for task in self._runs:
            task.cancel()
        await self._wait(1.0)

    async def _wait(self, seconds: float) -> bool:
        if self._runs:
            await asyncio.wait(self._runs, timeout=seconds)
        await asyncio.sleep(0)  # done callbacks run one step later
        return not self._runs
