"""What a handler calls to say how far it has got.

The calls never raise, and block only a thread whose output the log cannot take as fast: they note the state, and the
outbox appends it. Calls may come from any thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextvars import ContextVar
from typing import Any, TypeVar, get_args
from weakref import WeakSet

from headway import codec
from headway.errors import (
    CancelRequestedError,
    EndedError,
    LogError,
    OutputOverflowError,
    SupersededError,
    TaskCancelledError,
)
from headway.eventlog.chain import Chain
from headway.events import Cancel, ErrorInfo, Level, LogLine, Status
from headway.outbox import BEAT_SECONDS, INTERVAL_SECONDS, MAX_PENDING_CHARS, Outbox
from headway.progress.counting import Track, innermost_track, leave
from headway.progress.state import ProgressState
from headway.values.coercion import clean, number, shorten
from headway.values.results import encode_result

T = TypeVar("T")

_ONE = 1
_LEVELS: dict[str, Level] = {level: level for level in get_args(Level)}

_SILENCING = (CancelRequestedError, SupersededError, EndedError, OutputOverflowError)
"""What was reported before any other stop (a timeout, a shutdown) is still stored."""


class Job:
    """The progress of one attempt at one task. Handlers get it as their first argument, named `Job`.

    Args:
        chain: where it appends; its attempt has begun.
        on_stop: called once, on the event loop, when the handler should end: cancelled, superseded or ended.
        interval_seconds: shortest time between two rounds of appends (default 0.1).
        beat_seconds: a task beat is sent after this long without an append (default 5).
    """

    def __init__(
        self,
        chain: Chain,
        *,
        kind: str = "",
        failed: int = 0,
        on_stop: Callable[[LogError], None] | None = None,
        interval_seconds: float = INTERVAL_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kind = kind
        self.task = chain.task
        """The task's id."""
        self.attempt = chain.attempt or 0
        """1 for the first try, 2 for the second …"""
        self.failed = failed
        """How many earlier attempts failed or vanished. Ones handed back at a shutdown do not count."""
        self.stopped: LogError | None = None
        """Why the handler should end, if it should."""
        self._chain = chain
        self._on_stop = on_stop
        self._home = threading.get_ident()
        lock = threading.RLock()  # the garbage collector may close a tracked loop, or log, while it is held
        self._state = ProgressState(clock, lock, failed=failed, belongs=self._belongs)
        self._outbox = Outbox(
            chain,
            lambda: self._state.snapshot("processing"),
            self.stop,
            lock,
            interval_seconds=interval_seconds,
            beat_seconds=beat_seconds,
        )

    # What handlers call

    def update(
        self,
        progress: float | None = None,
        message: str | None = None,
        *,
        done: float | None = None,
        total: float | None = None,
        unit: str | None = None,
        initial: float | None = None,
    ) -> None:
        """Say how far the task is; what is left out stays as it was.

        `progress` is 0 to 100. With `done` and `total` it is computed, and rate and time left with it. The bar
        never goes back and shows less than 100 until the task has ended. `initial` units were done before this
        attempt: they count for the bar and not for the rate. So does the first `done` of a step.

        Within a `track`, `done` counts within the row at hand; a `total` without it corrects the total of the loop.
        """
        state = self._state
        if progress is not None:
            state.raise_to(progress)
        if message is not None:
            state.message = shorten(message)
        if total is not None or unit is not None or initial is not None or not state.simple:
            state.count_here(done, total, unit, initial)
        elif done is not None and (count := number(done)) is not None:
            level = state.level
            level.done = count
            level.counted = True
        if not self._outbox.dirty:
            self._outbox.touch()

    def advance(self, count: float = 1, message: str | None = None) -> None:
        """`count` more units are done; within a `track`, of the row at hand."""
        state = self._state
        if (more := 1.0 if count is _ONE else number(count)) is not None:
            level = state.level
            if not state.simple:  # the rest of `place` is written out: this is called often
                track = innermost_track.get()
                if track is None or track.root is not level or track.level_row != track.counter.done:
                    level = state.place()
                else:
                    level = track.level
            level.done += more
            level.counted = True
        if message is not None:
            state.message = shorten(message)
        if not self._outbox.dirty:
            self._outbox.touch()

    def step(
        self, name: str, *, total: float | None = None, unit: str | None = None, upto: float | None = None
    ) -> None:
        """The next step of the task begins; its count starts at 0.

        `upto` is where the bar stands when this step is done (default 100): within the step the bar goes from where it
        is to there, in proportion to done / total. Within a `track` a step is one of the row: the loop's count and the
        bar are left alone.

        While NATS is unreachable 200 steps and the latest are kept, and the rest is counted.
        """
        name = shorten(name, 200)
        count = None if total is None else number(total)
        unit = None if unit is None else shorten(unit, 40)
        end = None if upto is None else number(upto)
        self._outbox.step(lambda: self._state.step(name, count, unit, end))

    def chunk(self, text: str) -> None:
        """Output text, such as the tokens of a generation. All of it arrives, in order.

        16 Mi characters may wait for the log. When they do, a call in a thread waits until some are stored. On the
        event loop nothing can wait, and one more call ends the task with OutputOverflow: put `await job.flush()`
        between chunks. A single text may be of any length.
        """
        text = clean(text)
        if text and not self._outbox.chunk(text):
            self._outbox.call(self._overflow)

    def log(self, message: str, level: Level = "info", *, logger: str = "") -> None:
        """A line for the person who watches. Of a flood, 200 lines are kept per round and the rest is counted.

        `logger` names where the line comes from, if that is not the handler itself.
        """
        shown = _LEVELS.get(clean(level), "info")
        self._outbox.line(LogLine(level=shown, message=shorten(message), logger=shorten(logger, 200) if logger else ""))

    def track(
        self,
        rows: Iterable[T],
        *,
        total: float | None = None,
        unit: str | None = None,
        message: str | None = None,
        initial: float = 0,
    ) -> Iterator[T]:
        """Yield `rows` and count one for each, in a count of the loop's own.

        A loop within a loop moves the bar within one row of the outer one, and is shown below it. A loop after another
        counts from 0 again; loops at the same time, as in `asyncio.gather`, count together.

        Args:
            total: of all rows, those done before included (default: `initial` + ``len(rows)`` where there is one).
            unit: of the count, such as "rows".
            message: the task's; of a loop within a loop, the name of its own line.
            initial: rows that were done before this loop: they count for the bar and not for the rate.

        Raises TaskCancelledError when the task is to be cancelled, so that a handler in a thread stops.
        """
        outbox, count = self._outbox, self._begin(rows, total, unit, message, initial)
        counter = count.counter
        try:
            for row in rows:
                if self.stopped is not None:
                    self.raise_if_cancelled()
                yield row
                counter.done += 1.0
                if not outbox.dirty:
                    outbox.touch()
        finally:
            leave(count)

    @property
    def cancelled(self) -> bool:
        """Whether the handler should end."""
        return self.stopped is not None

    def raise_if_cancelled(self) -> None:
        """For handlers in threads, which cannot be interrupted: raise TaskCancelledError when they should end."""
        if self.stopped is not None:
            raise TaskCancelledError(str(self.stopped))

    # What the one who runs the handler calls

    def start(self) -> None:
        """Begin to append what the handler reports."""
        if isinstance(request := self._chain.head.event, Cancel):  # it came as the attempt began
            self.stop(CancelRequestedError(self.task, request.reason))
        self._outbox.start()
        running.add(self)

    async def finish(
        self, status: Status, *, message: str | None = None, data: Any = None, error: ErrorInfo | None = None
    ) -> None:
        """Store all that is pending, then the last event of this attempt. It returns when the log has it.

        `data` is the result; a part of it that has no JSON form is kept as text, with a warning in the log.

        Raises SupersededError or EndedError when this attempt has nothing more to say.
        """
        running.discard(self)
        result = encode_result(data)
        if result.warning:
            self.log(result.warning, "warning", logger="headway.result")
        await self._outbox.drain()
        if isinstance(self.stopped, (SupersededError, EndedError)):
            raise self.stopped
        if message is not None:
            self._state.message = shorten(message)
        last = self._state.snapshot(status)
        last.failed += 1 if status == "retrying" and error is not None else 0
        last.error = error
        last.eta = last.sub = None
        if status == "completed":
            last.progress = 100.0
            last.data = codec.raw(result.raw)
        await self._chain.append(last)

    async def flush(self) -> None:
        """Return when all that was reported so far is stored."""
        await self._outbox.flush()

    async def abort(self) -> None:
        """Stop appending without another word."""
        running.discard(self)
        await self._outbox.abort()

    def detach(self) -> None:
        """In a child process: nothing that is reported arrives, and no lock of the parent's threads is waited for."""
        lock = threading.RLock()
        self._state.lock = lock
        self._outbox.detach(lock)

    def stop(self, reason: LogError) -> None:
        """Tell the handler to end (on the event loop only)."""
        if self.stopped is None:
            self.stopped = reason
            self._outbox.hurry(silence=isinstance(reason, _SILENCING))
            if self._on_stop is not None:
                self._on_stop(reason)

    def _belongs(self) -> bool:
        return current.get() is self or threading.get_ident() == self._home

    def _begin(self, rows: object, total: float | None, unit: str | None, message: str | None, initial: float) -> Track:
        done = number(initial) or 0.0
        if total is None and (rows_left := _length(rows)) is not None:
            total = done + rows_left
        count = self._state.begin(
            total=None if total is None else number(total),
            unit=None if unit is None else shorten(unit, 40),
            message=None if message is None else shorten(message),
            initial=done,
        )
        self._outbox.touch()
        return count

    def _overflow(self) -> None:
        reason = f"{MAX_PENDING_CHARS} characters of output wait for the log; use `await job.flush()` between chunks"
        self.stop(OutputOverflowError(reason))


def _length(rows: object) -> int | None:
    try:
        return len(rows) if isinstance(rows, Sized) else None
    except Exception:  # noqa: BLE001 - whatever a third-party __len__ raises, as that of a loader of unknown length
        return None


current: ContextVar[Job | None] = ContextVar("headway_job", default=None)
"""The job of the handler that runs in this context. Threads started with `asyncio.to_thread` inherit it."""

running: WeakSet[Job] = WeakSet()
"""The jobs that are between `start` and their end in this process."""
