"""What the rules about tasks need of the store, beside the log (`headway.eventlog.log.Log`).

`headway.jetstream` implements it with JetStream, `headway.testing` in memory. All methods raise UnavailableError when
NATS does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from headway.jetstream.kv import Entry, Page
from headway.jetstream.store_meter import Usage
from headway.jetstream.stored import Stored
from headway.records import JobMessage


class KeyValues(Protocol):
    """A bucket of keys and values."""

    async def get(self, key: str) -> bytes | None:
        """The value of `key`, if it has one."""

    async def all(self) -> list[tuple[str, bytes]]:
        """All keys and values: for a bucket of at most a thousand keys."""

    async def create(self, key: str, value: bytes, *, life_seconds: float = 0.0) -> bool:
        """Store `value` if the key is new. False when it is not. Raises TooLargeError and StoreFullError.

        With `life_seconds` it is deleted after that time, where the bucket allows it.
        """

    async def page(self, start: int) -> list[Entry]:
        """Up to 200 entries from sequence `start` on, in the order in which they were stored. Fewer are the last."""

    async def seq_after(self, at: float) -> int:
        """The sequence of the first value that was stored after that time, seconds since 1970; 0 if there is none."""

    async def count(self) -> int:
        """How many entries it holds."""

    async def newest_before(self, seq: int) -> Page:
        """A page of entries as they were stored, below sequence `seq` (0: the newest)."""


class JobQueue(Protocol):
    """The queue that processors take jobs from."""

    @property
    def limit_bytes(self) -> int:
        """Most bytes of one message, headers included."""

    async def put(self, job: JobMessage) -> None:
        """Store `job`, unless a job of its task is stored. Raises TooLargeError and StoreFullError."""

    async def has(self, kind: str, task: str) -> bool:
        """Whether the job of a task is stored."""


@runtime_checkable  # Litestar checks the types of dependencies
class Results(Protocol):
    """Results that were too large for an event."""

    async def get(self, task: str) -> bytes | None:
        """The JSON of the result of `task`; None if it is not kept here."""


class Deletions(Protocol):
    """The queue of tasks that processors remove."""

    async def request(self, task: str) -> None:
        """Have a processor remove the task. May be repeated. Raises StoreFullError."""


class DeadLetters(Protocol):
    """The jobs that were given up."""

    async def page(self, kind: str, start: int) -> list[Stored]:
        """Those of a kind (all kinds if empty) from sequence `start` on, the oldest first. None: there are no more."""

    async def get(self, seq: int) -> Stored | None:
        """The one at a sequence, if there is one."""

    async def remove(self, seq: int) -> None:
        """Remove the one at a sequence. May be repeated."""


class StoreMeter(Protocol):
    """What measures the store."""

    @property
    def connected(self) -> bool:
        """Whether measuring can succeed now."""

    async def measure(self) -> Sequence[Usage]:
        """How full the store and its streams are; what has no limit is left out."""
