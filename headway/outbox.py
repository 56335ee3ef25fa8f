"""Events between a handler and the log: added from any thread, appended by one pump per task.

However long NATS is unreachable, what waits is bounded (`headway.progress.pending`).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

from headway.checkpoint import Checkpoint
from headway.errors import (
    CancelRequestedError,
    EndedError,
    EventTooLargeError,
    HeadwayError,
    LogError,
    OutputOverflowError,
    SupersededError,
    UnavailableError,
)
from headway.eventlog.chain import Head
from headway.events import Event, LogLine, Progress
from headway.progress.pending import MAX_PENDING_CHARS, Pending, Room
from headway.saver import SavedState, Saver

INTERVAL_SECONDS = 0.1
"""At most ten rounds of appends a second: faster than people read, a small load for the log."""
BEAT_SECONDS = 5.0
REFRESH_SECONDS = 24 * 3600.0
"""The progress is stored again after this long without an append: the log keeps events for two days at least, and
without its last event the appends of a running task could not be fenced."""
BLOCKED_SECONDS = 10.0
"""A thread that waits for room gives up when the event loop has not run for this long: it may wait for this thread."""

logger = logging.getLogger(__name__)


class Home(NamedTuple):
    """An event loop and the thread that runs it."""

    loop: asyncio.AbstractEventLoop
    thread: int


class Appender(Protocol):
    """What appends to the log of one task: a `headway.eventlog.chain.Chain`, or another process that has one."""

    task: str
    attempt: int | None

    @property
    def head(self) -> Head:
        """The last event of the log, as far as it is known here."""

    async def append(self, event: Event) -> object:
        """Return when `event` is stored. Raises what `Chain.append` raises."""

    async def beat(self) -> None:
        """Publish that the attempt runs. Raises UnavailableError."""

    def stored_beside(self, size: int) -> None:
        """Count bytes that were stored beside the log."""


class Outbox:
    """Events on their way to one task's log. All methods without `async` may be called from any thread.

    Args:
        chain: where it appends.
        snapshot: makes the progress event of this moment.
        on_refused: called on the event loop when nothing more of this attempt can be stored.
        lock: held while events are added and taken.
        interval_seconds: shortest time between two rounds of appends.
        beat_seconds: a task beat is sent after this long without an append.
        home: the event loop that appends, and its thread (default: the running loop, in this thread).
        room: for output and log lines. One that is given is shared, so that nobody waits for it: what finds no room is
            left out and counted.
        saver: stores checkpoints (default: they are dropped).
    """

    def __init__(
        self,
        chain: Appender,
        snapshot: Callable[[], Progress],
        on_refused: Callable[[LogError], None],
        lock: threading.RLock,
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        home: Home | None = None,
        room: Room | None = None,
        saver: Saver | None = None,
    ) -> None:
        self.dirty = False
        """Whether the progress has changed since it was last taken. Hot paths look before they call `touch`."""
        self.silenced = False
        """Whether nothing more is appended."""
        self.hurried = False
        """Whether threads no longer wait for room."""
        self._chain = chain
        self._on_refused = on_refused
        self._room = threading.Condition(lock)
        self._interval = interval_seconds
        self._beat = beat_seconds
        self._loop, self._loop_thread = home or Home(asyncio.get_running_loop(), threading.get_ident())
        self._lossy = room is not None
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._rung = False
        self._snapshot = snapshot
        self._pending = Pending(snapshot, room)
        self._saver = saver or Saver(None, chain.task)
        self._relayed: SavedState | None = None
        self._storing = False
        self._pump_task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        """Held for each append: one is in flight."""

    # Adding

    def touch(self) -> None:
        """Note that the progress has changed."""
        if not self.dirty:
            self.dirty = True
            self._ring()

    def step(self, change: Callable[[], None]) -> None:
        """Keep the last state of the step that ends by `change`, and the first state of the step that begins."""
        with self._room:
            # First of all: what another thread notes from here on is not lost.
            changed, self.dirty = self.dirty, False
            if self.silenced:
                change()
            elif self._pending.add_step(change, changed=changed):
                self.dirty = True
        self._ring()

    def line(self, line: LogLine) -> None:
        """Add a log line. Of a flood, the first ones of each round are kept and the rest is counted."""
        with self._room:
            added = not self.silenced and self._pending.add_line(line)
        if added:
            self._ring()

    def chunk(self, text: str, channel: str = "") -> None:
        """Add output of any length, or text of a channel beside it.

        A thread waits for room; where nothing can wait, the attempt is refused.
        """
        if self.silenced:
            return
        with self._room:
            if added := self._pending.has_room or (not self._lossy and self._wait_for_room()):
                self._pending.add_output(text, channel)
            elif self._lossy:
                self._pending.leave_out(text)
        if added or self._lossy:
            self._ring()
        else:
            self._call(self._overflow)

    def checkpoint(self, checkpoint: Checkpoint, every: float, took_seconds: float) -> None:
        """Store `checkpoint`, unless a later one comes before it is due; `took_seconds` is what it took to make it."""
        with self._room:
            first = not self.silenced and self._saver.note(checkpoint, every, took_seconds)
        if first:  # the pump looks when it is due
            self._ring()

    def drop_checkpoint(self) -> None:
        """Store no checkpoint that waits: the task ends."""
        self._saver.drop()

    # Waiting for room

    def _wait_for_room(self) -> bool:
        """Whether the text may be added: also when the handler is stopped meanwhile, since it came before that."""
        heard = time.monotonic()
        while not self.hurried and self._pumping() and time.monotonic() - heard < BLOCKED_SECONDS:
            probe = threading.Event()
            self._call(probe.set)
            self._room.wait(BLOCKED_SECONDS / 20)
            if self._pending.has_room or self.hurried:
                return True
            if probe.is_set():
                heard = time.monotonic()
        return False

    def _pumping(self) -> bool:
        """Whether a thread that waits here will be woken: the event loop itself would wait for itself."""
        pump = self._pump_task
        return pump is not None and not pump.done() and threading.get_ident() != self._loop_thread

    def _make_room(self, event: Event) -> None:
        with self._room:
            if self._pending.stored(event) and self._pending.has_room:
                self._room.notify_all()

    def _overflow(self) -> None:
        reason = f"{MAX_PENDING_CHARS} characters of output wait for the log; use `await job.flush()` between chunks"
        self._on_refused(OutputOverflowError(reason))

    def hurry(self, *, silence: bool) -> None:
        """Release threads that wait for room, as the handler is to end; with `silence` nothing more is appended."""
        with self._room:
            self.silenced = self.silenced or silence
            self.hurried = True
            self._room.notify_all()

    def detach(self, lock: threading.RLock) -> None:
        """In a child process: the event loop runs in the parent, and a thread of it may have held the lock."""
        self._room = threading.Condition(lock)
        self.silenced = self.hurried = self.dirty = self._rung = True

    # Appending

    def start(self) -> None:
        """Begin to append."""
        self._pump_task = self._loop.create_task(self._pump(), name=f"outbox of {self._chain.task}")

    def _ring(self) -> None:
        """Wake the pump. One call to the event loop is enough until the pump has seen it."""
        if not self._rung:
            self._rung = True
            self._call(self._wake.set)

    def _call(self, callback: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed: a thread has outlived its task
            self._loop.call_soon_threadsafe(callback)

    async def _pump(self) -> None:
        appended_at = self._loop.time()
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(self._rest_seconds()):
                    await self._wake.wait()
            except TimeoutError:
                if self._saver.wait_seconds() != 0.0:
                    await self._send_beat()
                    if self._loop.time() - appended_at >= REFRESH_SECONDS:
                        self.touch()
                    continue
            self._wake.clear()
            await self._append_pending()
            appended_at = self._loop.time()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._closing.wait()

    def _rest_seconds(self) -> float:
        due = self._saver.wait_seconds()
        return self._beat if due is None else min(max(due, self._interval), self._beat)

    async def _append_pending(self, *, hurry: bool = False) -> None:
        self._storing = True
        taken = self._take()
        try:
            while taken and not self.silenced:
                await self._append(taken[0])
                self._make_room(taken.popleft())
            if not self.silenced and self._saver.wait_seconds(hurry=hurry) == 0.0:
                await self._store_checkpoint()
        finally:
            for event in taken:
                self._make_room(event)
            self._storing = False

    def _take(self) -> deque[Event]:
        with self._room:
            self._rung = False
            if changed := self.dirty:  # before the snapshot: what is noted from here on is taken next time
                self.dirty = False
            return self._pending.take(changed=changed)

    async def _store_checkpoint(self) -> None:
        """Store the checkpoint, then the event that names it: of an attempt that is superseded, none is ever used."""
        saved = await self._saver.store()
        if saved is not None and not self.silenced:
            self._chain.stored_beside(self._saver.name(saved))
            with self._room:
                event = self._snapshot()
            await self._append_naming(event, saved.seq)

    async def _append_naming(self, event: Event, seq: int) -> None:
        await self._append(event)
        if not self.silenced:  # else another attempt may read the earlier one
            await self._saver.drop_before(seq)

    async def _append(self, event: Event) -> None:
        try:
            async with self._turn:
                await self._chain.append(event)
        except (CancelRequestedError, SupersededError, EndedError) as reason:
            self._on_refused(reason)
        except EventTooLargeError:
            logger.exception("an event was too large and is left out", extra={"action": "event_too_large"})

    async def _send_beat(self) -> None:
        with suppress(UnavailableError):
            await self._chain.beat()

    async def relay(self, event: Event) -> None:
        """Append what another process has reported for this attempt, and return when it is stored or refused."""
        if self.silenced:
            return
        saved = self._relayed
        if saved is not None and isinstance(event, Progress) and event.checkpoint == saved.seq:
            self._relayed = None
            self._chain.stored_beside(self._saver.name(saved))
            await self._append_naming(event, saved.seq)
        else:
            await self._append(event)

    async def relay_checkpoint(self, packed: bytes) -> int:
        """Store a checkpoint of another process. Return the number that its next progress names; 0 if refused."""
        if self.silenced or not self._saver.stores:
            return 0
        try:
            self._relayed = await self._saver.put(packed)
        except HeadwayError as error:
            logger.warning(
                "a checkpoint could not be stored",
                extra={"action": "checkpoint_refused", "task": self._chain.task, "error": str(error)},
            )
            return 0
        return self._relayed.seq

    # Ending

    async def flush(self) -> None:
        """Return when all that was added so far is stored, or can no longer be stored."""
        while self._pending or self.dirty or self._storing or self._saver.wait_seconds() is not None:
            self._saver.hurry()
            self._ring()
            await asyncio.sleep(self._interval / 4)
            if self._pump_task is None or self._pump_task.done():
                return

    async def drain(self) -> None:
        """Append all that is pending, and nothing after it."""
        self._closing.set()
        self._wake.set()
        if self._pump_task is not None:
            await self._pump_task
        await self._append_pending(hurry=True)

    async def abort(self) -> None:
        """Stop appending."""
        if self._pump_task is not None:
            self._pump_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump_task
        self.hurry(silence=False)
        with self._room:
            self._pending.discard()
