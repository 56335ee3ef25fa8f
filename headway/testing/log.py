"""A log in memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Generic, TypeVar

from headway import codec
from headway.errors import ConflictError, EventTooLargeError, StoreFullError, UnavailableError
from headway.eventlog.log import Ack, Live, OnBeat, OnLive
from headway.events import Event
from headway.jetstream.stored import Stored
from headway.ownership import UNKNOWN, Ownership
from headway.producer import Producer
from headway.subjects import check_task

C = TypeVar("C")


class MemorySubscription(Generic[C]):
    """Made by `MemoryLog.subscribe` and `subscribe_beats`."""

    def __init__(self, callbacks: list[C], callback: C) -> None:
        self._callbacks = callbacks
        self._callback = callback

    async def close(self) -> None:
        if self._callback in self._callbacks:
            self._callbacks.remove(self._callback)


class MemoryLog:
    """A `headway.eventlog.log.Log` in memory: one sequence for all tasks, appends fenced by the expected sequence.

    Faults to test with: `away` makes every call raise UnavailableError, `full` every append StoreFullError, appends
    over `limit_bytes` raise EventTooLargeError, `mute` stores without publishing, and `lose_acks` stores that many
    appends but raises UnavailableError for them.
    """

    def __init__(self, *, max_per_task: int | None = None) -> None:
        self.away = False
        self.full = False
        self.limit_bytes: int | None = None
        self.mute = False
        self.lose_acks = 0
        self.reads = 0
        self._max_per_task = max_per_task
        self._incarnation = 1
        self._seq = 0
        self._logs: defaultdict[str, list[Stored]] = defaultdict(list)
        self._ids: dict[str, int] = {}
        self._live: defaultdict[str, list[OnLive]] = defaultdict(list)
        self._beats: defaultdict[str, list[OnBeat]] = defaultdict(list)

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
        await self._answer()
        if self.limit_bytes is not None and len(payload) > self.limit_bytes:
            raise EventTooLargeError(len(payload), self.limit_bytes)
        if self.full:
            raise StoreFullError("the JetStream store")
        log = self._logs[check_task(task)]
        prev = log[-1].seq if log else 0
        if prev != expected:
            raise ConflictError(task, expected)
        if msg_id in self._ids:
            return Ack(self._ids[msg_id], True)
        self._seq += 1
        self._ids[msg_id] = self._seq
        log.append(Stored(self._seq, payload, msg_id, task, ownership, size, producer))
        if self._max_per_task is not None and len(log) > self._max_per_task:
            del log[0]
        if not self.mute:
            self._publish(task, Live(self._seq, prev, payload))
        if self.lose_acks > 0:
            self.lose_acks -= 1
            raise UnavailableError("the acknowledgement was lost")
        return Ack(self._seq)

    async def last(self, task: str) -> Stored | None:
        await self._answer()
        log = self._logs.get(check_task(task))
        return log[-1] if log else None

    async def lasts(self, tasks: list[str], after: int = 0) -> tuple[list[Stored], int]:
        await self._answer()
        found = [log[-1] for task in tasks if (log := self._logs.get(task)) and log[-1].seq > after]
        return found, self._seq

    async def read(self, task: str, start: int = 1, limit: int = 256) -> list[Stored]:
        await self._answer()
        self.reads += 1
        return [stored for stored in self._logs.get(check_task(task), []) if stored.seq >= start][:limit]

    async def subscribe(self, task: str, callback: OnLive) -> MemorySubscription[OnLive]:
        await self._answer()
        callbacks = self._live[check_task(task)]
        callbacks.append(callback)
        return MemorySubscription(callbacks, callback)

    async def subscribe_beats(self, task: str, callback: OnBeat) -> MemorySubscription[OnBeat]:
        await self._answer()
        callbacks = self._beats[check_task(task)]
        callbacks.append(callback)
        return MemorySubscription(callbacks, callback)

    async def beat(self, task: str, payload: bytes) -> None:
        await self._answer()
        for callback in list(self._beats.get(check_task(task), [])):
            callback(payload)

    async def incarnation(self) -> str:
        """An id that differs after each `recreate`."""
        await self._answer()
        return f"memory{self._incarnation}"

    def recreate(self) -> None:
        """Begin again without any event, as if the stream had been deleted and created. Subscriptions stay open."""
        self._incarnation += 1
        self._seq = 0
        self._logs.clear()
        self._ids.clear()

    def remove(self, task: str, *, before: int) -> None:
        """Remove the events of `task` below that sequence, as a processor removes those of a deleted task."""
        self._logs[task] = [stored for stored in self._logs[task] if stored.seq >= before]

    def events(self, task: str) -> list[Event]:
        """All stored events of `task`, decoded; malformed ones raise."""
        return [codec.decode(stored.payload) for stored in self._logs.get(task, [])]

    def subscribers(self, task: str) -> int:
        """How many subscriptions to the events of `task` are open."""
        return len(self._live.get(task, []))

    def beat_subscribers(self, task: str) -> int:
        """How many subscriptions to the beats of `task` are open."""
        return len(self._beats.get(task, []))

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise UnavailableError("NATS is unreachable")

    def _publish(self, task: str, live: Live) -> None:
        for callback in list(self._live.get(task, [])):
            callback(*live)
