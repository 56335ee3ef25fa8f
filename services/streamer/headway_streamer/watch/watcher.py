"""One SSE stream: positions, and the bytes that follow from them. It has no queue."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

from headway.errors import UnavailableError
from headway_streamer.api import models
from headway_streamer.frames import cursor, sse
from headway_streamer.frames.dialect import NATIVE, Dialect
from headway_streamer.metrics import Metrics
from headway_streamer.settings import Settings
from headway_streamer.watch.drain import Drain, retry_ms
from headway_streamer.watch.log_reader import Item, LogReader, Reset

STEP_BYTES = 128 * 1024
"""Most bytes of one step, and the event that exceeds them: a slow watcher of many tasks holds no more."""

EARLY_SECONDS = 0.001
"""How early a timer may fire: asyncio's by the resolution of its clock, uvloop's by half a millisecond. A watcher that
is woken before anything is due would be woken again at once, until the clock moves."""


class Watcher:
    """Yields the bytes of one stream, from `hello` to the clean end.

    Args:
        readers: one per task, sorted by task.
        incarnation: returns the current incarnation of the event stream, for cursors.
        named: put the task into the cursor, for a route whose URL does not name it.
        dialect: the form of progress events, and whether the stream ends at its lifetime.
        expires: when the client must authenticate again, seconds since 1970.
    """

    def __init__(
        self,
        readers: list[LogReader],
        settings: Settings,
        drain: Drain,
        metrics: Metrics,
        *,
        incarnation: Callable[[], str],
        named: bool = False,
        dialect: Dialect = NATIVE,
        expires: float = math.inf,
    ) -> None:
        self.over = False
        """Whether nothing more is sent."""
        self.ended_by = "left"
        """Why the stream ended: completed, deleted, drain, lifetime, reauth, deadline, or left if the client
        disconnected."""
        self.readers = readers
        self._settings = settings
        self._drain = drain
        self._metrics = metrics
        self._incarnation = incarnation
        self._named = readers[0].task if named else ""
        self._dialect = dialect
        self._shared_bytes = len(readers) == 1 and not named
        self._turn = 0
        """The reader that is served first in the next step."""
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        lifetime = settings.lifetime_seconds if dialect.rotates else math.inf
        self._leave_at = now + lifetime * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load
        self._reauthentication = ""
        """Why the client must authenticate again, once that ends the stream before its lifetime does."""
        if expires != math.inf and dialect.rotates:
            self._expire_at(now + expires - time.time(), "expired")
        self._heartbeat_at = now
        self._draining = False

    def revoke(self) -> None:
        """End the stream now: its token has been revoked."""
        self._expire_at(self._loop.time(), "revoked")
        for reader in self.readers:
            reader.wake()

    def _expire_at(self, at: float, cause: str) -> None:
        if at <= self._leave_at:
            self._leave_at, self._reauthentication = at, cause

    async def stream(self) -> AsyncIterator[bytes]:
        """The bytes to send, piece by piece, to the clean end. Each piece may be many events."""
        woken = asyncio.Event()
        self.open(woken.set)
        try:
            yield self.hello()
            while not self.over:
                woken.clear()
                if piece := await self.step():
                    yield piece
                elif not self.over:
                    await self._wait(woken)
        finally:
            self.close()

    async def step(self) -> bytes:
        """The bytes to send now; empty if there are none, or no more (`over`)."""
        if self._reauthentication and self._now >= self._leave_at:  # also while there is more to send
            return self._end("reauth")
        if piece := await self._collect():
            return piece
        if all(reader.settled for reader in self.readers):
            deleted = any(reader.tail.deleted for reader in self.readers)
            self.over, self.ended_by = True, "deleted" if deleted else "completed"
            return self._farewell("deleted") if deleted else b""
        if (reason := self._leaving()) is not None:
            return self._end(reason)
        return self._due()

    def _end(self, reason: str) -> bytes:
        self.over, self.ended_by = True, reason
        return self._farewell(reason)

    def idle_bytes(self) -> bytes:
        """What an idle watcher has to send: notes on stalled tasks, or the heartbeat.

        Empty if none is due, or if the stream is to end, which takes a step.
        """
        return self._due() if self._leaving() is None else b""

    def open(self, wake: Callable[[], None]) -> None:
        """Call `wake` from now on whenever there may be something to send."""
        for reader in self.readers:
            reader.wake = wake
            reader.tail.audience.waiting.add(reader)
        self._drain.enter(self, wake)

    def close(self) -> None:
        """The counterpart of `open`."""
        self._drain.leave(self)
        for reader in self.readers:
            reader.tail.audience.waiting.discard(reader)
            reader.stalled = False

    async def _collect(self) -> bytes:
        pieces: list[bytes] = []
        merged, room = 0, STEP_BYTES
        for turn, reader in self._in_turn():
            if reader.waiting:
                continue
            try:
                found = await reader.next(room)
            except UnavailableError:
                # The stream stays open; one pause for all tasks, so that heartbeats are not late.
                await asyncio.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - spreads load
                break
            merged += reader.merged
            for item in found:
                pieces.append(piece := self._render(item, reader))
                room -= len(piece)
            self._turn = turn + 1
            if room <= 0:
                break
        if not pieces:
            return b""
        joined = b"".join(pieces)
        self._metrics.sent(len(pieces), merged, len(joined))
        self._heartbeat_at = self._loop.time() + self._settings.heartbeat_seconds
        return joined

    def _in_turn(self) -> Iterator[tuple[int, LogReader]]:
        """All readers, beginning after the one that was served last."""
        count, first = len(self.readers), self._turn
        for turn in range(first, first + count):
            yield turn % count, self.readers[turn % count]

    def _render(self, item: Item, reader: LogReader) -> bytes:
        reader.sent(item)
        if isinstance(item, Reset):
            self._metrics.reset(item.reason)
            return sse.control(models.Reset(item.task, item.reason), id=self._id())
        return item.form(self._dialect) if self._shared_bytes else item.with_id(self._id(), self._dialect)

    def _id(self) -> str:
        return cursor.encode(self._incarnation(), [reader.claim for reader in self.readers], self._named)

    def hello(self) -> bytes:
        """The first event of every stream."""
        tasks = [reader.task for reader in self.readers]
        hello = models.Hello(self._settings.name, tasks, self._settings.heartbeat_seconds)
        return sse.control(hello, id=self._id(), retry_ms=retry_ms())

    def _farewell(self, reason: str) -> bytes:
        if reason == "reauth":
            return sse.control(models.Reauth(self._reauthentication), id=self._id(), retry_ms=retry_ms())
        return sse.control(models.Goodbye(reason), id=self._id(), retry_ms=retry_ms())

    def _leaving(self) -> str | None:
        if self._drain.draining and not self._draining:
            self._draining = True
            self._leave_at = min(self._leave_at, self._drain.leave_at(self))
        if self._now < self._leave_at:
            return None
        if self._reauthentication:
            return "reauth"
        return "drain" if self._draining else "lifetime"

    @property
    def _now(self) -> float:
        """Loop time, a little ahead: a timer that fires early finds something due."""
        return self._loop.time() + EARLY_SECONDS

    @property
    def woken(self) -> bool:
        """Whether there may be something to send that the last step has not sent."""
        return any(not reader.waiting for reader in self.readers) or self.due_at <= self._now

    @property
    def shares(self) -> bool:
        """Whether it is sent the same bytes as the other watchers of its one task."""
        return self._shared_bytes and self._dialect.translate is None

    @property
    def due_at(self) -> float:
        """Loop time at which `step` has something to send even without a new event."""
        return min(self._leave_at, self._heartbeat_due_at, *(self._stall_at(reader) for reader in self.readers))

    @property
    def _heartbeat_due_at(self) -> float:
        """Loop time of the next heartbeat; what the tail has written directly postpones it."""
        return max(self._heartbeat_at, self.readers[0].wrote_at + self._settings.heartbeat_seconds)

    def _due(self) -> bytes:
        """Notes on stalled and resumed tasks, or the heartbeat, if one is due."""
        now = self._now
        notes = b"".join(self._stall_notes(now))
        if not notes and now < self._heartbeat_due_at:
            return b""
        self._heartbeat_at = now + self._settings.heartbeat_seconds
        return notes or sse.HEARTBEAT

    def _stall_notes(self, now: float) -> list[bytes]:
        notes = []
        for reader in self.readers:
            tail = reader.tail
            # The same sum as in `_stall_at`: a difference is rounded otherwise, and a watcher woken at that very
            # time would find nothing to do and be woken again at once.
            stalled = tail.running and not tail.ended and tail.alive_at + self._settings.stalled_seconds <= now
            if stalled == reader.stalled:
                continue
            reader.stalled = stalled
            # `stalled` with 0 seconds is the older form of `resumed`, kept for one release.
            seconds = round(now - tail.alive_at) if stalled else 0
            notes.append(sse.control(models.Stalled(reader.task, seconds), id=self._id()))
            if not stalled:
                notes.append(sse.control(models.Resumed(reader.task), id=self._id()))
        return notes

    def _stall_at(self, reader: LogReader) -> float:
        if not reader.tail.running or reader.stalled:
            return self._leave_at
        return reader.tail.alive_at + self._settings.stalled_seconds

    async def _wait(self, woken: asyncio.Event) -> None:
        """Wait until a tail wakes this watcher, or something is due."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(max(self.due_at, self._loop.time())):
                await woken.wait()
