"""Where an attempt begins: at the checkpoint that the log names, or from the start."""

from __future__ import annotations

import logging

from headway.checkpoint import StoredCheckpoint, pack
from headway.errors import DamagedError, LogError
from headway.eventlog.log import Log
from headway.eventlog.log_end import read_log_end
from headway.events import Progress
from headway.records import JobMessage
from headway.retry_delay import RetryDelay
from headway.service.retry import Retries, retry
from headway.subjects import is_name
from headway_processor.context import Checkpoints

TRIES = 6
"""Reads of a checkpoint that is named and cannot be found, over 8 s: a replica may be behind."""
DELAY = RetryDelay(first_seconds=0.25, backoff=2.0, max_seconds=5.0, jitter=0.1)

logger = logging.getLogger(__name__)


class Resumption:
    """Finds where an attempt begins."""

    def __init__(self, log: Log, checkpoints: Checkpoints) -> None:
        self._log = log
        self._checkpoints = checkpoints

    async def find(self, job: JobMessage, latest: Progress | None) -> StoredCheckpoint | None:
        """The checkpoint from which the next attempt continues; None for an attempt from the start.

        It is that which the last progress of the task names, or of the task that this one repeats and continues.
        """
        if latest is not None and latest.checkpoint:
            return await find_checkpoint(self._checkpoints, job.task, latest.checkpoint)
        if not job.resume_of or not is_name(job.resume_of):
            return None
        earlier = await retry(lambda: read_log_end(self._log, job.resume_of))
        if earlier.latest is None or not earlier.latest.checkpoint or earlier.head.ownership != job.ownership:
            return None
        found = await find_checkpoint(self._checkpoints, job.resume_of, earlier.latest.checkpoint)
        return found and await self._copy(job.task, found)

    async def _copy(self, task: str, found: StoredCheckpoint) -> StoredCheckpoint:
        packed = pack(found.checkpoint)
        seq = await retry(lambda: self._checkpoints.put(task, packed))
        return StoredCheckpoint(seq, found.checkpoint, len(packed))


async def find_checkpoint(checkpoints: Checkpoints, task: str, seq: int) -> StoredCheckpoint | None:
    """The checkpoint with that number; None when it is lost."""
    tries = Retries(delay=DELAY)
    for _ in range(TRIES):
        try:
            return await retry(lambda: checkpoints.get(task, seq))
        except DamagedError as error:
            refused = error
            await tries.wait(error)
    extra = {"action": "checkpoint_lost", "task": task, "error": str(refused)}
    logger.error("the checkpoint of a task is lost; it begins from the start", extra=extra)
    return None


def first_progress(resumed: StoredCheckpoint | None, *, failed: int) -> Progress:
    """The first event of an attempt: with the bar of the checkpoint from which it continues."""
    if resumed is None:
        return Progress(status="processing", progress=0.0, message="", step="", failed=failed)
    checkpoint = resumed.checkpoint
    return Progress(
        status="processing",
        progress=checkpoint.progress,
        message=checkpoint.message,
        step=checkpoint.step,
        done=checkpoint.done,
        total=checkpoint.total,
        unit=checkpoint.unit,
        failed=failed,
        checkpoint=resumed.seq,
    )


async def remove_checkpoints(checkpoints: Checkpoints, task: str) -> None:
    """Remove the checkpoints of a task that is completed. Those that remain are removed by their age."""
    try:
        await checkpoints.remove(task)
    except LogError as error:
        extra = {"action": "checkpoint_kept", "task": task, "error": str(error)}
        logger.info("checkpoints of a completed task could not be removed", extra=extra)
