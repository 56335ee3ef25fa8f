"""What waits for the log: merged, bounded, and appended by one pump per task.

Between two appends progress is merged to the latest, chunks are joined, changes of step are kept. However long NATS is
unreachable, no more waits here than `MAX_PENDING_CHARS` of output and one chunk, `MAX_PENDING_LINES` lines and
`MAX_PENDING_STEPS` steps.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from headway import codec
from headway.errors import (
    CancelRequestedError,
    EndedError,
    EventTooLargeError,
    LogError,
    SupersededError,
    UnavailableError,
)
from headway.eventlog.chain import Chain
from headway.events import Beat, Chunk, Event, LogLine, Progress

INTERVAL_SECONDS = 0.1
"""At most ten rounds of appends a second: more than an eye follows, little for the log."""
BEAT_SECONDS = 5.0
PROGRESS_EVERY = 500
"""A progress is stored again after so many other events, so that a trimmed history still holds the state."""
REFRESH_SECONDS = 24 * 3600.0
"""A progress is stored again after this long without an append: the log keeps events for seven days, and with its last
event a running task would lose what fences it."""
MAX_PENDING_LINES = 200
MAX_PENDING_STEPS = 200
MAX_CHUNK_CHARS = 32 * 1024
MAX_PENDING_CHARS = 16 * 1024 * 1024
BLOCKED_SECONDS = 10.0
"""A thread that waits for room takes an event loop that does not run for this long as blocked, perhaps by the wait."""

logger = logging.getLogger(__name__)


class Outbox:
    """Events on their way to one task's log. All methods without `async` may be called from any thread.

    Args:
        chain: where it appends.
        snapshot: makes the progress event of this moment.
        on_refused: called on the event loop when the log takes no more of this attempt.
        lock: held while events are added and taken.
    """

    def __init__(
        self,
        chain: Chain,
        snapshot: Callable[[], Progress],
        on_refused: Callable[[LogError], None],
        lock: threading.RLock,
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self.dirty = False
        """Whether the progress has changed since it was last taken. Hot paths look before they call `touch`."""
        self.silenced = False
        """Nothing more is appended."""
        self.hurried = False
        """No thread waits for room any more."""
        self._chain = chain
        self._snapshot = snapshot
        self._on_refused = on_refused
        self._room = threading.Condition(lock)
        self._interval = interval_seconds
        self._beat = beat_seconds
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._rung = False
        self._pending: deque[Event] = deque()
        self._chars = 0
        self._lines = self._lines_left_out = 0
        self._steps = self._steps_left_out = 0
        self._offset = 0
        self._quiet = 0
        self._storing = False
        self._pump_task: asyncio.Task[None] | None = None

    # Adding

    def touch(self) -> None:
        """The progress has changed."""
        if not self.dirty:
            self.dirty = True
            self.ring()

    def step(self, change: Callable[[], None]) -> None:
        """Keep the last state of the step that ends by `change`, and the first one of the step that begins.

        Of a flood, `MAX_PENDING_STEPS` are kept per round and the latest one; those between them are counted.
        """
        with self._room:
            # First of all: what another thread notes from here on is not lost.
            dirty, self.dirty = self.dirty, False
            self._steps += 1
            if self.silenced:
                change()
            elif self._steps > MAX_PENDING_STEPS:
                self._steps_left_out = self._steps - MAX_PENDING_STEPS - 1
                change()
                self.dirty = True
            else:
                if dirty:
                    self._pending.append(self._snapshot())
                change()
                self._pending.append(self._snapshot())
        self.ring()

    def line(self, line: LogLine) -> None:
        """Of a flood, `MAX_PENDING_LINES` lines are kept per round, and the rest is counted."""
        with self._room:
            if self.silenced:
                return
            if self._lines >= MAX_PENDING_LINES:
                self._lines_left_out += 1
                return
            self._lines += 1
            self._pending.append(line)
        self.ring()

    def chunk(self, text: str) -> bool:
        """Add output. False when there is no room for it: the caller cannot wait, or it would be of no use.

        A thread waits for room. Text of any length is taken once there is some.
        """
        if self.silenced:
            return True
        with self._room:
            if not self._has_room() and not self._wait_for_room():
                return False
            self._chars += len(text)
            for start in range(0, len(text), MAX_CHUNK_CHARS):
                self._add_chunk(text[start : start + MAX_CHUNK_CHARS])
        self.ring()
        return True

    def _add_chunk(self, text: str) -> None:
        last = self._pending[-1] if self._pending else None
        if isinstance(last, Chunk) and len(last.text) + len(text) <= MAX_CHUNK_CHARS:
            last.text += text
        else:
            self._pending.append(Chunk(text=text, offset=self._offset))
        self._offset += len(text)

    # Waiting for room

    def _has_room(self) -> bool:
        return self._chars < MAX_PENDING_CHARS

    def _wait_for_room(self) -> bool:
        """Whether the text may be added: also when the handler is stopped meanwhile, since it came before that."""
        heard = time.monotonic()
        while not self.hurried and self._pumping() and time.monotonic() - heard < BLOCKED_SECONDS:
            probe = threading.Event()
            self.call(probe.set)
            self._room.wait(BLOCKED_SECONDS / 20)
            if self._has_room() or self.hurried:
                return True
            if probe.is_set():
                heard = time.monotonic()
        return False

    def _pumping(self) -> bool:
        """Whether a thread that waits here will be woken: the event loop itself would wait for itself."""
        pump = self._pump_task
        return pump is not None and not pump.done() and threading.get_ident() != self._loop_thread

    def hurry(self, *, silence: bool) -> None:
        """The handler is to end: let waiting threads go; with `silence` nothing more is appended."""
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

    def ring(self) -> None:
        """Something waits. One call to the event loop is enough until the pump has seen it."""
        if not self._rung:
            self._rung = True
            self.call(self._wake.set)

    def call(self, callback: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed: a thread has outlived its task
            self._loop.call_soon_threadsafe(callback)

    def _take(self) -> deque[Event]:
        with self._room:
            self._rung = False
            taken, self._pending = self._pending, deque()
            self._lines = self._steps = 0
            self._add_left_out(taken)
            if self.dirty or self._quiet + len(taken) >= PROGRESS_EVERY:
                self.dirty = False
                self._quiet = 0
                taken.append(self._snapshot())
            else:
                self._quiet += len(taken)
        return taken

    def _add_left_out(self, taken: deque[Event]) -> None:
        lines, self._lines_left_out = self._lines_left_out, 0
        steps, self._steps_left_out = self._steps_left_out, 0
        if lines:
            taken.append(LogLine(level="warning", message=f"{lines} more lines left out"))
        if steps:
            taken.append(LogLine(level="warning", message=f"{steps} more steps left out"))

    async def _pump(self) -> None:
        appended_at = self._loop.time()
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(self._beat):
                    await self._wake.wait()
            except TimeoutError:
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

    async def _append_pending(self) -> None:
        self._storing = True
        try:
            for event in self._take():
                if self.silenced:
                    return
                await self._append(event)
                if isinstance(event, Chunk):
                    self._make_room(len(event.text))
        finally:
            self._storing = False

    async def _append(self, event: Event) -> None:
        try:
            await self._chain.append(event)
        except (CancelRequestedError, SupersededError, EndedError) as reason:
            self._on_refused(reason)
        except EventTooLargeError:
            logger.exception("an event was too large and is left out", extra={"action": "event_too_large"})

    def _make_room(self, chars: int) -> None:
        with self._room:
            self._chars -= chars
            if self._has_room():
                self._room.notify_all()

    async def _send_beat(self) -> None:
        with suppress(UnavailableError):
            beat = Beat(task=self._chain.task, attempt=self._chain.attempt or 0)
            await self._chain.log.beat(self._chain.task, codec.encode_json(beat))

    # Ending

    async def flush(self) -> None:
        """Return when all that was added so far is stored, or can be stored no more."""
        while self._pending or self.dirty or self._storing:
            self.ring()
            await asyncio.sleep(self._interval / 4)
            if self._pump_task is None or self._pump_task.done():
                return

    async def drain(self) -> None:
        """Append all that is pending; then nothing is appended any more."""
        self._closing.set()
        self._wake.set()
        if self._pump_task is not None:
            await self._pump_task
        await self._append_pending()

    async def abort(self) -> None:
        """Stop appending."""
        if self._pump_task is not None:
            self._pump_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump_task
        self.hurry(silence=False)
