"""Where an attempt begins: at the checkpoint that the log names, or from the start."""

from __future__ import annotations

import logging

from headway.checkpoint import StoredCheckpoint
from headway.errors import DamagedError, LogError
from headway.events import Progress
from headway.retry_delay import RetryDelay
from headway.service.retry import Retries, retry
from headway_processor.context import Checkpoints

TRIES = 6
"""Reads of a checkpoint that is named and cannot be found, over 8 s: a replica may be behind."""
DELAY = RetryDelay(first_seconds=0.25, backoff=2.0, max_seconds=5.0, jitter=0.1)

logger = logging.getLogger(__name__)


async def find_checkpoint(checkpoints: Checkpoints, task: str, latest: Progress | None) -> StoredCheckpoint | None:
    """The checkpoint that the last progress of the log names; None when it names none, or when it is lost."""
    if latest is None or not latest.checkpoint:
        return None
    seq, tries = latest.checkpoint, Retries(delay=DELAY)
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
