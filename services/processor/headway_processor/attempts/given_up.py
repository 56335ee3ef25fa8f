"""Keep the job of a task that ends because it cannot be completed, with the reason."""

from __future__ import annotations

from headway.eventlog.store_retries import StoreRetries
from headway.events import ErrorInfo
from headway_processor.context import DeadLetters, Delivery
from headway_processor.metrics import DeadReason, Metrics


class GivenUpJob:
    """A job whose task is about to end with an error."""

    def __init__(
        self, kind: str, delivery: Delivery, task: str, *, dead_letters: DeadLetters, metrics: Metrics
    ) -> None:
        self._kind = kind
        self._delivery = delivery
        self._task = task
        self._dead_letters = dead_letters
        self._metrics = metrics

    async def keep(self, reason: str, why: DeadReason) -> None:
        """Store the job as a dead letter, however long NATS is unreachable.

        Before the terminal event: a crash in between repeats both, and the key prevents a second dead letter.
        """
        job, key = self._delivery.payload, self._delivery.key
        retries = StoreRetries(self._task, "dead job", self._metrics.store_failed)
        await retries.run(lambda: self._dead_letters.add(self._kind, self._task, job, reason, key))
        self._metrics.dead_lettered(self._kind, why)


def reason_of(error: ErrorInfo) -> str:
    """What a dead letter says of the error with which its task ended.

    >>> reason_of(ErrorInfo("ValueError", "boom"))
    'ValueError: boom'
    """
    return f"{error.type}: {error.message}"
