"""What a handler calls to say how far it has got.

The calls never block and never raise: they note the state, and one pump per task appends it to the log. Between two
appends progress is merged to the latest, chunks are joined, changes of step are kept. Calls may come from any thread.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import suppress
from typing import Any, TypeVar, get_args

from headway import codec
from headway.chain import Chain
from headway.errors import (
    CancelRequestedError,
    EndedError,
    EventTooLargeError,
    LogError,
    OutputOverflowError,
    SupersededError,
    TaskCancelledError,
    UnavailableError,
)
from headway.estimate import Estimate
from headway.events import Beat, Cancel, Chunk, ErrorInfo, Event, Level, LogLine, Progress, Status

T = TypeVar("T")

INTERVAL_SECONDS = 0.1
"""At most ten rounds of appends a second: more than an eye follows, little for the log."""
BEAT_SECONDS = 5.0
PROGRESS_EVERY = 500
"""A progress is stored again after so many other events, so that a trimmed history still holds the state."""
MAX_PENDING_LINES = 200
MAX_CHUNK_CHARS = 32 * 1024
MAX_PENDING_CHARS = 16 * 1024 * 1024
MAX_TEXT = 4000

_LEVELS: dict[str, Level] = {level: level for level in get_args(Level)}

_SILENCING = (CancelRequestedError, SupersededError, EndedError, OutputOverflowError)
"""What was reported before any other stop (a timeout, a shutdown) is still stored."""

logger = logging.getLogger(__name__)


class Reporter:
    """The progress of one attempt at one task. Handlers get it as their first argument, named `Job`.

    Args:
        chain: where it appends; its attempt has begun.
        on_stop: called once, on the event loop, when the handler should end: cancelled, superseded or ended.
        interval_seconds: shortest time between two rounds of appends (default 0.1).
        beat_seconds: after so long without an append a sign of life is shown (default 5).
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
        self.stopped: LogError | None = None
        """Why the handler should end, if it should."""
        self._chain = chain
        self._failed = failed
        self._on_stop = on_stop
        self._interval = interval_seconds
        self._beat = beat_seconds
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._lock = threading.Lock()
        self._pending: deque[Event] = deque()
        self._pending_chars = 0
        self._lines = 0
        self._lines_left_out = 0
        self._offset = 0
        self._quiet = 0
        self._dirty = False
        self._storing = False
        self._percent = 0.0
        self._base, self._upto = 0.0, 100.0
        self._done = 0.0
        self._counted = False
        self._total: float | None = None
        self._unit = self._message = self._step = ""
        self._estimate = Estimate(clock())
        self._pump_task: asyncio.Task[None] | None = None

    # What handlers call

    def update(
        self,
        progress: float | None = None,
        message: str | None = None,
        *,
        done: float | None = None,
        total: float | None = None,
        unit: str | None = None,
    ) -> None:
        """Say how far the task is; what is left out stays as it was.

        `progress` is 0 to 100. With `done` and `total` it is computed, and rate and time left with it. The bar
        never goes back and shows less than 100 until the task has ended.
        """
        if progress is not None and (value := _number(progress)) is not None:
            self._percent = max(self._percent, min(value, 99.9))
        if message is not None:
            self._message = _text(message)
        if unit is not None:
            self._unit = _text(unit, 40)
        if total is not None:
            self._total = _number(total)
        if done is not None and (count := _number(done)) is not None:
            self._done = count
            self._counted = True
        self._touch()

    def advance(self, count: float = 1, message: str | None = None) -> None:
        """`count` more units are done."""
        if (more := _number(count)) is not None:
            self._done += more
            self._counted = True
        if message is not None:
            self._message = _text(message)
        if not self._dirty:
            self._touch()

    def step(
        self, name: str, *, total: float | None = None, unit: str | None = None, upto: float | None = None
    ) -> None:
        """The next step of the task begins; its count starts at 0.

        `upto` is where the bar stands when this step is done (default 100): within the step the bar goes from where it
        is to there, in proportion to done / total.
        """
        name = _text(name, 200)
        with self._lock:
            # First of all: what another thread notes from here on is not lost.
            dirty, self._dirty = self._dirty, False
            if dirty:
                self._pending.append(self._progress("processing"))
            if self._upto < 100.0:
                self._percent = max(self._percent, min(self._upto, 99.9))
            self._step, self._message = name, ""
            self._done, self._counted = 0.0, False
            self._total = None if total is None else _number(total)
            self._unit = self._unit if unit is None else _text(unit, 40)
            self._base = self._percent
            upto_value = None if upto is None else _number(upto)
            self._upto = 100.0 if upto_value is None else min(max(upto_value, self._base), 100.0)
            self._estimate = Estimate(self._clock())
            self._pending.append(self._progress("processing"))
        self._ring()

    def chunk(self, text: str) -> None:
        """Output text, such as the tokens of a generation. All of it arrives, in order."""
        text = _clean(text)
        if not text:
            return
        with self._lock:
            if self._pending_chars + len(text) > MAX_PENDING_CHARS:
                self._overflow()
                return
            self._pending_chars += len(text)
            for start in range(0, len(text), MAX_CHUNK_CHARS):
                self._add_chunk(text[start : start + MAX_CHUNK_CHARS])
        self._ring()

    def log(self, message: str, level: Level = "info") -> None:
        """A line for the person who watches. Of a flood, 200 lines are kept per round and the rest is counted."""
        line = LogLine(level=_LEVELS.get(_clean(level), "info"), message=_text(message))
        with self._lock:
            if self._lines >= MAX_PENDING_LINES:
                self._lines_left_out += 1
                return
            self._lines += 1
            self._pending.append(line)
        self._ring()

    def track(
        self,
        rows: Iterable[T],
        *,
        total: float | None = None,
        unit: str | None = None,
        message: str | None = None,
    ) -> Iterator[T]:
        """Yield `rows` and advance by one for each; `total` defaults to ``len(rows)`` where there is one.

        Raises TaskCancelledError when the task is to be cancelled, so that a handler in a thread stops.
        """
        if total is None and isinstance(rows, Sized):
            total = len(rows)
        self.update(total=total, unit=unit, message=message)
        for row in rows:
            self.raise_if_cancelled()
            yield row
            self.advance()

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
        self._pump_task = self._loop.create_task(self._pump(), name=f"reporter {self.task}")

    async def finish(
        self, status: Status, *, message: str | None = None, data: Any = None, error: ErrorInfo | None = None
    ) -> None:
        """Store all that is pending, then the last event of this attempt. It returns when the log has it.

        Raises SupersededError or EndedError when this attempt has nothing more to say.
        """
        await self._drain()
        if isinstance(self.stopped, (SupersededError, EndedError)):
            raise self.stopped
        if message is not None:
            self._message = _text(message)
        last = self._progress(status)
        last.failed = self._failed + (1 if status == "retrying" and error is not None else 0)
        last.error = error
        last.eta = None
        if status == "completed":
            last.progress = 100.0
            last.data = data
        await self._chain.append(last)

    async def flush(self) -> None:
        """Return when all that was reported so far is stored."""
        while self._pending or self._dirty or self._storing:
            self._ring()
            await asyncio.sleep(self._interval / 4)
            if self._pump_task is None or self._pump_task.done():
                return

    async def abort(self) -> None:
        """Stop appending without another word."""
        if self._pump_task is not None:
            self._pump_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump_task

    def stop(self, reason: LogError) -> None:
        """Tell the handler to end (on the event loop only)."""
        if self.stopped is None:
            self.stopped = reason
            if self._on_stop is not None:
                self._on_stop(reason)

    # Noting

    def _touch(self) -> None:
        if not self._dirty:
            self._dirty = True
            self._ring()

    def _ring(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: a thread has outlived its task
            self._loop.call_soon_threadsafe(self._wake.set)

    def _add_chunk(self, text: str) -> None:
        last = self._pending[-1] if self._pending else None
        if isinstance(last, Chunk) and len(last.text) + len(text) <= MAX_CHUNK_CHARS:
            last.text += text
        else:
            self._pending.append(Chunk(text=text, offset=self._offset))
        self._offset += len(text)

    def _overflow(self) -> None:
        reason = f"{MAX_PENDING_CHARS} characters of output wait for the log; use `await job.flush()` between chunks"
        with suppress(RuntimeError):  # the loop is closed, as in _ring
            self._loop.call_soon_threadsafe(self.stop, OutputOverflowError(reason))

    def _progress(self, status: Status) -> Progress:
        now = self._clock()
        total = self._total
        if self._counted:
            self._estimate.update(now, self._done, total)
            if total is not None and total > 0:
                share = self._base + (self._upto - self._base) * min(self._done / total, 1.0)
                self._percent = max(self._percent, min(share, 99.9))
        rate, eta = self._estimate.rate, self._estimate.eta(now)
        return Progress(
            status=status,
            progress=round(self._percent, 2),
            message=self._message,
            step=self._step,
            done=self._done if self._counted else None,
            total=total,
            unit=self._unit,
            rate=None if rate is None else round(rate, 3),
            eta=None if eta is None else round(eta, 1),
            failed=self._failed,
        )

    def _take(self) -> deque[Event]:
        with self._lock:
            taken, self._pending = self._pending, deque()
            self._pending_chars = self._lines = 0
            if self._lines_left_out:
                taken.append(LogLine(level="warning", message=f"{self._lines_left_out} more lines left out"))
                self._lines_left_out = 0
            if self._dirty or self._quiet + len(taken) >= PROGRESS_EVERY:
                self._dirty = False
                self._quiet = 0
                taken.append(self._progress("processing"))
            else:
                self._quiet += len(taken)
        return taken

    # Appending

    async def _pump(self) -> None:
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(self._beat):
                    await self._wake.wait()
            except TimeoutError:
                await self._show_life()
                continue
            self._wake.clear()
            await self._append_pending()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._closing.wait()

    async def _append_pending(self) -> None:
        self._storing = True
        try:
            for event in self._take():
                if isinstance(self.stopped, _SILENCING):
                    return
                await self._append(event)
        finally:
            self._storing = False

    async def _append(self, event: Event) -> None:
        try:
            await self._chain.append(event)
        except (CancelRequestedError, SupersededError, EndedError) as reason:
            self.stop(reason)
        except EventTooLargeError:
            logger.exception("an event was too large and is left out", extra={"action": "event_too_large"})

    async def _show_life(self) -> None:
        with suppress(UnavailableError):
            await self._chain.log.beat(self.task, codec.encode_json(Beat(task=self.task, attempt=self.attempt)))

    async def _drain(self) -> None:
        self._closing.set()
        self._wake.set()
        if self._pump_task is not None:
            await self._pump_task
        await self._append_pending()


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except Exception:  # noqa: BLE001 - whatever a foreign __float__ raises
        return None
    return number if math.isfinite(number) else None


def _clean(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else str(value)
    except Exception:  # noqa: BLE001 - whatever a foreign __str__ raises
        text = f"<{type(value).__name__}>"
    text = str.__str__(text)  # msgspec takes no subclass, such as markupsafe.Markup or numpy.str_
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text


def _text(value: Any, limit: int = MAX_TEXT) -> str:
    text = _clean(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
