"""A task that this process runs and reports through a streamer, over HTTP.

>>> async with Client("http://127.0.0.1:8000") as client:                       # doctest: +SKIP
...     async with Report(client, "import", title="Import of the night") as report:
...         for done, row in enumerate(rows, 1):
...             report.update(done=done, total=len(rows), unit="rows")
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from headway.cancellation import cancelled_message
from headway.client import calls
from headway.client.backoff import Backoff, is_fatal
from headway.client.client import Client
from headway.client.report_buffer import ReportBuffer
from headway.errors import ClientError, TaskCancelledError
from headway.events import Level
from headway.failure import failure
from headway.ids import new_task
from headway.subjects import check_kind
from headway.values.coercion import clean, number, shorten
from headway.values.labels import tags_of, title_of
from headway.values.results import MAX_RESULT_BYTES, encode_result

INTERVAL_SECONDS = 0.1
"""At most ten batches a second."""
HEARTBEAT_SECONDS = 5.0
"""An empty batch is sent after this long without another: watchers see no `stalled`, and a cancel request is noticed.
With a short lease it is a third of it."""
CLOSING_PAUSE_SECONDS = 0.5
MAX_UNIT_CHARS = 40
MAX_NAME_CHARS = 200

LEVELS = frozenset(get_args(Level))

EndStatus: TypeAlias = Literal["completed", "error", "cancelled"]

logger = logging.getLogger(__name__)


class Report:
    """One task and its attempt. Use it as an async context manager, or call `start` and `end`.

    Its methods without `async` may be called from any thread, never raise and never block: a task of the event loop
    sends what they note, in batches, and tries again while the streamer is unreachable. What waits is bounded.

    Args:
        client: whose streamer and token it uses; it stays open until the end.
        kind: 1 to 64 of ``A-Z a-z 0-9 _ -``.
        title: what people see (default: `kind`).
        tags: words to find the task by.
        id: of the task, if the caller chooses it: a task that was opened before continues as its next attempt.
        parent: id of the task of which this one is a part.
        lease_seconds: the task ends as `Lost` when the streamer hears nothing for this long: 15 to 86,400.
        flush_seconds: how long the end waits at most for what is not stored.
        on_cancel: called on the event loop, once, with the reason, when somebody has cancelled the task.

    Raises InvalidNameError for a `kind` that is none.
    """

    def __init__(
        self,
        client: Client,
        kind: str,
        *,
        title: str = "",
        tags: Iterable[str] = (),
        id: str = "",
        parent: str = "",
        lease_seconds: int = 60,
        flush_seconds: float = 5.0,
        on_cancel: Callable[[str], object] | None = None,
    ) -> None:
        self.task = id or new_task()
        """The task's id."""
        self.cancel_reason: str | None = None
        """The reason of a request to cancel; None when there was none."""
        self.problem = ""
        """Why the streamer did not take what was sent last; empty when it did."""
        self.ended = False
        """Whether the end is stored."""
        self._opening = {"id": self.task, "kind": check_kind(kind), "lease_seconds": lease_seconds}
        named = {"title": title_of(title or kind), "tags": tags_of(tags), "parent": parent}
        self._opening |= {name: value for name, value in named.items() if value}
        self._key = str(uuid.uuid4())
        self._send = client._send  # each call once: `_retried` repeats it
        self._flush_seconds = flush_seconds
        self._on_cancel = on_cancel
        self._heartbeat = min(HEARTBEAT_SECONDS, lease_seconds / 3)
        self._buffer = ReportBuffer()
        self._backoff = Backoff()
        self._loop = asyncio.get_running_loop()
        self._wake, self._closing = asyncio.Event(), asyncio.Event()
        self._rung = False
        self._reached = False
        self._epoch = 0
        self._end: dict[str, Any] = {}
        self._result: Any = None
        self._sending: asyncio.Task[None] | None = None

    # What the work calls

    @property
    def cancelled(self) -> bool:
        """Whether somebody has cancelled the task."""
        return self.cancel_reason is not None

    @property
    def left_out(self) -> int:
        """Lines, steps and pieces of output that found no room."""
        return self._buffer.left_out

    def update(
        self,
        progress: float | None = None,
        message: str | None = None,
        *,
        done: float | None = None,
        total: float | None = None,
        unit: str | None = None,
    ) -> None:
        """Report how far the task is; what is left out stays as it was. `progress` is 0 to 100."""
        numbers = {"progress": _count(progress), "done": _count(done), "total": _count(total)}
        texts = {"message": message and shorten(message), "unit": unit and shorten(unit, MAX_UNIT_CHARS)}
        if given := {name: value for name, value in {**numbers, **texts}.items() if value is not None}:
            self._buffer.progress(given)
            self._ring()

    def step(self, name: str, *, total: float | None = None, unit: str | None = None) -> None:
        """Begin the next step of the task; its count starts at 0."""
        self._buffer.step(shorten(name, MAX_NAME_CHARS), _count(total), unit and shorten(unit, MAX_UNIT_CHARS))
        self._ring()

    def log(self, message: str, level: Level = "info", *, logger: str = "") -> None:
        """Add a log line. Of a flood the first lines are kept, and the others are counted."""
        level = level if level in LEVELS else "info"
        self._buffer.line(shorten(message), level, shorten(logger, MAX_NAME_CHARS) if logger else "")
        self._ring()

    def leave_out_lines(self, count: int) -> None:
        """Count lines that the caller did not read."""
        self._buffer.leave_out_lines(count)

    def chunk(self, text: str) -> None:
        """Add output text."""
        if text := clean(text):
            self._buffer.output(text)
            self._ring()

    def set_result(self, result: Any) -> None:
        """Set the result with which the task completes."""
        self._result = result

    def raise_if_cancelled(self) -> None:
        """Raise TaskCancelledError when somebody has cancelled the task."""
        if self.cancel_reason is not None:
            raise TaskCancelledError(cancelled_message(self.cancel_reason))

    # Its life

    async def __aenter__(self) -> Report:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.end("completed")
        elif isinstance(error, TaskCancelledError | asyncio.CancelledError | KeyboardInterrupt):
            await self.end("cancelled", str(error) or None)
        else:
            found = failure(error, traceback=True).error
            await self.end("error", error=found.type, text=found.message, traceback=found.traceback)
        if self.problem:
            logger.warning(
                "the end of a task is not stored",
                extra={"action": "report_lost", "task": self.task, "reason": self.problem},
            )

    def start(self) -> None:
        """Begin to send. The server may be unreachable."""
        self._sending = self._loop.create_task(self._run(), name=f"report of {self.task}")

    async def end(
        self,
        status: EndStatus,
        message: str | None = None,
        *,
        error: str = "",
        text: str = "",
        traceback: str = "",
    ) -> bool:
        """Send what waits and the end, and return whether that is stored. Waits `flush_seconds` at most.

        Of a task that has failed, `error` is a short word for programs, and `text` says why. The first call counts.
        """
        if self._sending is None or self._closing.is_set():
            return self.ended
        self._end = {"status": status} | ({} if message is None else {"message": shorten(message)})
        if status == "error":
            said = shorten(text or message or "")
            self._end["error"] = {"type": error or "Error", "message": said, "traceback": traceback}
        elif status == "completed":
            self._end["result"] = self._encoded_result()
        self._closing.set()
        self._wake.set()
        done, _ = await asyncio.wait({self._sending}, timeout=self._flush_seconds)
        if not done:
            self.problem = self.problem or f"the server did not answer within {self._flush_seconds:g} s"
            self._sending.cancel()
            await asyncio.wait({self._sending})
        return self.ended

    def _encoded_result(self) -> msgspec.Raw | None:
        encoded = encode_result(self._result)
        if encoded.warning:
            self.log(encoded.warning, "warning", logger="headway.result")
        if len(encoded.raw) <= MAX_RESULT_BYTES:
            return msgspec.Raw(encoded.raw)
        text = f"the result is left out: it has {len(encoded.raw):,} bytes, and {MAX_RESULT_BYTES:,} can be shown"
        self.log(text, "warning", logger="headway.result")
        return None

    # Sending

    def _ring(self) -> None:
        if not self._rung:
            self._rung = True
            with suppress(RuntimeError):  # the loop is closed: a thread has outlived the report
                self._loop.call_soon_threadsafe(self._wake.set)

    async def _run(self) -> None:
        """Open the task, send what is noted, and end it. Stops when the server refuses."""
        try:
            await self._open()
            while not (self._closing.is_set() and self._buffer.empty):
                await self._wait()
                await self._retried(self._send_batch)
                if not self._closing.is_set():
                    await asyncio.sleep(INTERVAL_SECONDS)
            await self._retried(self._send_end)
        except ClientError as error:
            self.problem = str(error)
            self._buffer.close()

    async def _open(self) -> None:
        opened = await self._retried(lambda: self._send(calls.open_report(self._opening, self._key)))
        self._epoch = int(opened.get("epoch", 1))

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._heartbeat):
                await self._wake.wait()
        self._rung = False
        if not self._closing.is_set():
            self._wake.clear()

    async def _send_batch(self) -> dict[str, Any]:
        batch = self._buffer.take()
        try:
            stored = await self._send(calls.append_to_report(self.task, self._epoch, batch.sequence, batch.events))
        except ClientError as error:
            if error.status != 409 or not isinstance(error.problem.get("expected"), int):
                raise
            self._buffer.stored(error.problem["expected"] - 1)
            return {}
        self._buffer.stored(int(stored.get("sequence", batch.sequence + len(batch.events) - 1)))
        if isinstance(cancel := stored.get("cancel"), dict):
            self._cancel(str(cancel.get("reason", "")))
        return stored

    async def _send_end(self) -> dict[str, Any]:
        call = calls.end_report(self.task, self._epoch, self._buffer.next_sequence, self._end)
        ended = await self._send(call)
        self.ended = True
        return ended

    def _cancel(self, reason: str) -> None:
        if self.cancel_reason is None:
            self.cancel_reason = reason
            self._buffer.close()
            if self._on_cancel is not None:
                self._on_cancel(reason)

    async def _retried(self, call: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Repeat a call while the server is unreachable. Raises ClientError for a refusal that would be repeated.

        A server that was never reached gets one more try at the end.
        """
        while True:
            last = self._closing.is_set() and not self._reached
            try:
                answer = await call()
            except ClientError as error:
                if last or (error.status is not None and is_fatal(error.status)):
                    raise
                self.problem = str(error)
                await self._pause(self._backoff.next(error.retry_after))
            else:
                self._reached, self.problem = True, ""
                self._backoff.attempts = 0
                return answer

    async def _pause(self, seconds: float) -> None:
        """Wait before the next try; the end is tried at once, and then often."""
        if self._closing.is_set():
            await asyncio.sleep(min(seconds, CLOSING_PAUSE_SECONDS))
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()


def _count(value: Any) -> float | None:
    """`value` as a number that is at least 0; None for anything else."""
    found = None if value is None else number(value)
    return found if found is not None and found >= 0 else None
