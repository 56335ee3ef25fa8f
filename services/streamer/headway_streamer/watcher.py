"""One SSE connection: a cursor, and the bytes that follow from it. No queue of its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from headway.errors import UnavailableError
from headway_streamer import cursor, sse
from headway_streamer.cursor import Position
from headway_streamer.drain import Drain, retry_ms
from headway_streamer.metrics import Metrics
from headway_streamer.seat import Reset, Seat
from headway_streamer.settings import Settings
from headway_streamer.sse import Frame


class Watcher:
    """Yields what one connection gets, from `hello` to the clean end.

    Args:
        seats: one per task, sorted by task.
        named: put the task into the cursor, for a route whose URL does not name it.
        celery: statuses in Celery's words.
    """

    def __init__(
        self,
        seats: list[Seat],
        settings: Settings,
        drain: Drain,
        metrics: Metrics,
        *,
        named: bool = False,
        celery: bool = False,
    ) -> None:
        self.ended_by = "left"
        """Why the stream ended: completed, drain, lifetime; left when the client went away."""
        self._seats = seats
        self._settings = settings
        self._drain = drain
        self._metrics = metrics
        self._incarnation = ""
        self._named = seats[0].task if named else ""
        self._celery = celery
        self._shared_bytes = len(seats) == 1 and not named
        self._woken = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._leave_at = now + settings.lifetime_seconds * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load
        self._heartbeat_at = now
        self._stalled: set[str] = set()
        self._draining = False
        self._at: dict[str, Position] = {seat.task: seat.position for seat in seats}
        """Per task, the place after what was rendered last."""

    async def stream(self, incarnation: Callable[[], str]) -> AsyncIterator[bytes]:
        """The bytes to send, piece by piece. Each piece may be many events."""
        wake = self._woken.set
        for seat in self._seats:
            seat.tail.wakes.add(wake)
        self._drain.enter(wake)
        try:
            self._incarnation = incarnation()
            yield self._hello()
            while True:
                self._woken.clear()
                self._incarnation = incarnation()
                if piece := await self._collect():
                    yield piece
                elif all(seat.settled for seat in self._seats):
                    self.ended_by = "completed"
                    return
                elif (reason := self._leaving()) is not None:
                    self.ended_by = reason
                    yield self._goodbye(reason)
                    return
                elif piece := self._due():
                    yield piece
                else:
                    await self._wait()
        finally:
            self._drain.leave(wake)
            for seat in self._seats:
                seat.tail.wakes.discard(wake)

    async def _collect(self) -> bytes:
        pieces: list[bytes] = []
        merged = 0
        for seat in self._seats:
            if seat.waiting:
                continue
            try:
                found = await seat.next()
            except UnavailableError:
                await asyncio.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - NATS is away: the stream stays open
                continue
            merged += seat.merged
            pieces.extend(self._render(item, seat) for item in found)
        if not pieces:
            return b""
        joined = b"".join(pieces)
        self._metrics.sent(len(pieces), merged, len(joined))
        self._heartbeat_at = self._loop.time() + self._settings.heartbeat_seconds
        return joined

    def _render(self, item: Frame | Reset, seat: Seat) -> bytes:
        self._at[seat.task] = item.position
        if isinstance(item, Reset):
            self._metrics.reset(item.reason)
            return sse.control("reset", {"task": item.task, "reason": item.reason}, id=self._id())
        if self._celery:
            return item.celery
        return item.native if self._shared_bytes else item.with_id(self._id())

    def _id(self) -> str:
        return cursor.encode(self._incarnation, list(self._at.values()), self._named)

    def _hello(self) -> bytes:
        hello = {
            "server": self._settings.name,
            "tasks": [seat.task for seat in self._seats],
            "heartbeat_seconds": self._settings.heartbeat_seconds,
        }
        return sse.control("hello", hello, id=self._id(), retry_ms=retry_ms())

    def _goodbye(self, reason: str) -> bytes:
        return sse.control("goodbye", {"reason": reason}, id=self._id(), retry_ms=retry_ms())

    def _leaving(self) -> str | None:
        if self._drain.draining and not self._draining:
            self._draining = True
            self._leave_at = min(self._leave_at, self._drain.leave_at())
        if self._loop.time() < self._leave_at:
            return None
        return "drain" if self._draining else "lifetime"

    def _due(self) -> bytes:
        """A note on stalled tasks, or the heartbeat, if it is time for one."""
        now = self._loop.time()
        notes = b"".join(self._stall_notes(now))
        if not notes and now < self._heartbeat_at:
            return b""
        self._heartbeat_at = now + self._settings.heartbeat_seconds
        return notes or sse.HEARTBEAT

    def _stall_notes(self, now: float) -> list[bytes]:
        notes = []
        for seat in self._seats:
            silent = now - seat.tail.alive_at
            if not seat.tail.running or seat.tail.ended or silent < self._settings.stalled_seconds:
                self._stalled.discard(seat.task)
            elif seat.task not in self._stalled:
                self._stalled.add(seat.task)
                notes.append(sse.control("stalled", {"task": seat.task, "seconds": round(silent)}, id=self._id()))
        return notes

    async def _wait(self) -> None:
        """Until a tail wakes this watcher, or something of its own is due."""
        until = min(self._leave_at, self._heartbeat_at, *(self._stall_at(seat) for seat in self._seats))
        with suppress(TimeoutError):
            async with asyncio.timeout_at(max(until, self._loop.time())):
                await self._woken.wait()

    def _stall_at(self, seat: Seat) -> float:
        if not seat.tail.running or seat.task in self._stalled:
            return self._leave_at
        return seat.tail.alive_at + self._settings.stalled_seconds
