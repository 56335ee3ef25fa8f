"""The delivery of a job whose kind has a retention: that its task has ended is noted before the job is removed."""

from __future__ import annotations

import logging

from headway.errors import UnavailableError
from headway_processor.context import Deletions, Delivery

logger = logging.getLogger(__name__)


class NotingDelivery:
    """A delivery that notes the end of the task first. A job whose note is not stored is delivered again."""

    def __init__(self, delivery: Delivery, deletions: Deletions, kind: str, task: str) -> None:
        self._delivery = delivery
        self._deletions = deletions
        self._kind = kind
        self._task = task
        self.subject = delivery.subject
        self.payload = delivery.payload
        self.key = delivery.key

    @property
    def answered(self) -> bool:
        """Whether a reply that ends this delivery was sent."""
        return self._delivery.answered

    async def ack(self) -> None:
        """Remove the job: its task has ended."""
        try:
            await self._deletions.note_ended(self._kind, self._task)
        except UnavailableError as error:
            extra = {"action": "end_not_noted", "task": self._task, "error": str(error)}
            logger.warning("the end of a task cannot be noted; its job is delivered again", extra=extra)
            return
        await self._delivery.ack()

    async def nak(self, delay_seconds: float = 0.0) -> None:
        """Have the job delivered again, at once or after a delay."""
        await self._delivery.nak(delay_seconds)

    async def term(self) -> None:
        """Remove the job: it cannot be run."""
        await self._delivery.term()

    async def extend(self) -> None:
        """Restart ack_wait: the job is in progress."""
        await self._delivery.extend()
