"""A job as JetStream delivered it, and the replies to it."""

from __future__ import annotations

from nats.aio.msg import Msg

from headway.jetstream.errors import best_effort


class JetStreamDelivery:
    """One delivery of a job.

    A reply that is lost does no harm: the job is delivered again, and the task's log says what has happened.
    """

    def __init__(self, message: Msg) -> None:
        self._message = message
        self.subject: str = message.subject
        self.payload: bytes = message.data
        self.answered = False
        metadata = message.metadata
        self.key = f"{metadata.stream}.{metadata.sequence.stream}"
        """The same at every delivery of the same job."""
        self.waiting = metadata.num_pending
        """How many jobs of its kind waited behind it."""

    async def ack(self) -> None:
        """Remove the job: it is done."""
        self.answered = True
        with best_effort():
            await self._message.ack()

    async def nak(self, delay_seconds: float = 0.0) -> None:
        """Have the job delivered again, at once or after a delay."""
        self.answered = True
        with best_effort():
            await self._message.nak(delay_seconds)

    async def term(self) -> None:
        """Remove the job: it cannot be run."""
        self.answered = True
        with best_effort():
            await self._message.term()

    async def extend(self) -> None:
        """Restart ack_wait: the job is in progress."""
        if self.answered:  # after a nak it would undo the delay
            return
        with best_effort():
            await self._message.in_progress()
