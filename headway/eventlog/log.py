"""The log of a task: what writers and readers need of it.

`headway.eventlog.jetstream_log` does it with JetStream, `headway.testing.MemoryLog` in memory, by the same rules.
Writers use `headway.eventlog.chain`, readers that want everything in order use `headway.eventlog.follow`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from headway.jetstream.stored import Stored
from headway.ownership import UNKNOWN, Ownership
from headway.producer import Producer


class Ack(NamedTuple):
    """What the log answers to an append."""

    seq: int
    duplicate: bool = False
    """The message id was stored before; `seq` is where."""


class Live(NamedTuple):
    """What is published on a task's live subject. `seq` 0 marks a message that the server did not store: skip it."""

    seq: int
    prev: int
    """Sequence of the event before this one in the same task's log, 0 if none."""
    payload: bytes


OnLive = Callable[[int, int, bytes], None]
"""Called with the fields of `Live`, in their order: a tuple less per event."""

OnBeat = Callable[[bytes], None]
"""Called with the payload of a beat."""


class Subscription(Protocol):
    """Open until closed."""

    async def close(self) -> None:
        """No call of the callback begins after this."""


class Log(Protocol):
    """What writers and readers of logs need. All methods raise UnavailableError when NATS does not answer."""

    async def put(
        self,
        task: str,
        payload: bytes,
        *,
        expected: int,
        msg_id: str,
        ownership: Ownership = UNKNOWN,
        size: int = 0,
        producer: Producer | None = None,
    ) -> Ack:
        """Append if the log of `task` still ends at sequence `expected` (0: is empty); else ConflictError.

        `ownership`, `size` if not 0, and `producer` are found again in what is read.
        """

    async def last(self, task: str) -> Stored | None:
        """The last event, as the leader knows it: what decisions are made on."""

    async def lasts(self, tasks: list[str], after: int = 0) -> tuple[list[Stored], int]:
        """The last event of each task that has one after `after`, and the sequence up to which this holds."""

    async def read(self, task: str, start: int = 1, limit: int = 256) -> list[Stored]:
        """Up to `limit` events from sequence `start` on, in order; a page may end earlier, by size. Empty: no more."""

    async def subscribe(self, task: str, callback: OnLive) -> Subscription:
        """Call `callback` with stored events as they are published, from now on. Some may be lost or come twice."""

    async def subscribe_beats(self, task: str, callback: OnBeat) -> Subscription:
        """Call `callback` with beats of `task`, from now on. Some may be lost."""

    async def beat(self, task: str, payload: bytes) -> None:
        """Publish `payload` on the beat subject of `task`. It is not stored."""
