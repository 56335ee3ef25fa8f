"""Run a handler on the event loop or in a thread. Its end is always a value: what it returned or raised."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any

from headway.errors import TaskError
from headway.job import Job
from headway.kind import Kind
from headway.lifecycle import JobLifecycle
from headway.log_capture import kind_level, number_of
from headway.track import current
from headway.values.results import Encoded, encode_result
from headway_processor.attempts.decision import HandlerOutcome, Raised, Returned
from headway_processor.attempts.errors import TimedOutError
from headway_processor.attempts.print_capture import PrintedLines, flush_printed, printed

STOP_SECONDS = 3.0
"""How long a stopped handler may take to end. A thread cannot be killed; after that it is abandoned."""

logger = logging.getLogger(__name__)


class HandlerRun:
    """A running handler. `interrupt` cancels an async one; a thread reads `job.stopped`."""

    def __init__(self, future: asyncio.Future[HandlerOutcome], interrupt: Callable[[], object]) -> None:
        self._future = future
        self.interrupt = interrupt

    @property
    def outcome(self) -> HandlerOutcome | None:
        """How the handler ended; None while it runs."""
        if not self._future.done():
            return None
        if self._future.cancelled():  # before its first step
            return Raised(asyncio.CancelledError())
        return self._future.result()

    async def until_end(
        self, lifecycle: JobLifecycle, stopping: asyncio.Event, timeout_seconds: float | None
    ) -> HandlerOutcome | None:
        """Wait for the end; stop the handler after `timeout_seconds` or when `stopping` is set. None if that fails."""
        task = lifecycle.job.task
        stop = asyncio.create_task(stopping.wait(), name=f"stop of {task}")
        either: set[asyncio.Future[Any]] = {self._future, stop}
        try:
            await asyncio.wait(either, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
        if not self._future.done():
            if timeout_seconds is not None:
                lifecycle.stop(TimedOutError(task, timeout_seconds))  # no effect if it was stopped before
            await self._stop(task)
        return self.outcome

    async def _stop(self, task: str) -> None:
        self.interrupt()
        await asyncio.wait({self._future}, timeout=STOP_SECONDS)
        if not self._future.done():
            logger.error("a handler does not stop and is abandoned", extra={"action": "handler_left", "task": task})


def start(kind: Kind, job: Job, params: Any) -> HandlerRun:
    """Start the handler of `kind` in a context where `headway.track` finds `job`. Its result is encoded there too."""
    arguments: tuple[Any, ...] = (job, params) if kind.takes_params else (job,)
    context = copy_context()
    context.run(current.set, job)
    if kind.log_level is not None:
        context.run(kind_level.set, number_of(kind.log_level))
    if kind.capture_print:
        context.run(printed.set, PrintedLines(job))
    if kind.executor == "async":
        task = asyncio.create_task(_call_async(kind, arguments), name=f"handler {job.task}", context=context)
        return HandlerRun(task, task.cancel)
    return HandlerRun(_in_thread(kind, arguments, context, job.task), _nothing)


async def _call_async(kind: Kind, arguments: tuple[Any, ...]) -> HandlerOutcome:
    try:
        return Returned(_encoded(kind, await kind.handler(*arguments)))
    except BaseException as error:  # noqa: BLE001 - SystemExit in a task would end the event loop
        return Raised(error)
    finally:
        flush_printed()


def _in_thread(kind: Kind, arguments: tuple[Any, ...], context: Context, task: str) -> asyncio.Future[HandlerOutcome]:
    # A daemon thread of its own: one that never ends would occupy a pool and keep the process from outcome.
    loop = asyncio.get_running_loop()
    future: asyncio.Future[HandlerOutcome] = loop.create_future()

    def call() -> None:
        outcome = _call(context, kind, arguments)
        with suppress(RuntimeError):  # the loop is closed: this thread was abandoned
            loop.call_soon_threadsafe(_resolve, future, outcome)

    threading.Thread(target=call, name=f"handler {task}", daemon=True).start()
    return future


def _call(context: Context, kind: Kind, arguments: tuple[Any, ...]) -> HandlerOutcome:
    try:
        return Returned(context.run(lambda: _encoded(kind, kind.handler(*arguments))))
    except BaseException as error:  # noqa: BLE001 - it would be lost with the thread
        return Raised(error)
    finally:
        context.run(flush_printed)


def _encoded(kind: Kind, value: object) -> Encoded:
    """Encode the result as JSON. Raises TaskError for an awaitable or a generator, which is work not yet done."""
    if inspect.isgenerator(value) or inspect.isasyncgen(value) or inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()  # else Python warns that it was never awaited
        message = f"the handler returned a {type(value).__name__} instead of a result: await or exhaust it there"
        raise TaskError(message, type="UnfinishedResult", retryable=False)
    return encode_result(value, kind.encoder)


def _resolve(future: asyncio.Future[HandlerOutcome], outcome: HandlerOutcome) -> None:
    if not future.done():
        future.set_result(outcome)


def _nothing() -> None:
    """A thread cannot be interrupted; it reads `job.stopped`."""
