"""Run a handler on the event loop, in a thread or in a process. Its end is always a value."""

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
from headway_processor.attempts.errors import TimedOutError
from headway_processor.attempts.print_capture import PrintedLines, flush_printed, printed
from headway_processor.context import ProcessRun
from headway_processor.outcome import HandlerOutcome, Raised, Returned, StillRuns

STOP_SECONDS = 3.0
"""How long a stopped handler may take to end. A thread cannot be killed; after that it is abandoned."""

KILL_SECONDS = 1.0
"""How long a process may take to end after it is killed; the kernel may be busy with it."""

logger = logging.getLogger(__name__)


class HandlerRun:
    """A running handler.

    Args:
        future: resolves when the handler has ended.
        interrupt: tells it to end: an async one is cancelled, a thread reads `job.stopped`.
        where: it runs, for people.
    """

    def __init__(
        self, future: asyncio.Future[HandlerOutcome], interrupt: Callable[[], object], *, where: str = "in its thread"
    ) -> None:
        self.future = future
        self.interrupt = interrupt
        self._where = where

    @property
    def outcome(self) -> HandlerOutcome | None:
        """How the handler ended; None while it runs."""
        if not self.future.done():
            return None
        if self.future.cancelled():  # before its first step
            return Raised(asyncio.CancelledError())
        return self.future.result()

    async def until_end(
        self,
        lifecycle: JobLifecycle,
        stopping: asyncio.Event,
        timeout_seconds: float | None,
        limit_seconds: float | None = None,
    ) -> HandlerOutcome:
        """Wait for the end; stop the handler after `timeout_seconds` or when `stopping` is set.

        `limit_seconds` is the time limit of which `timeout_seconds` are left (default: all of it).
        """
        task = lifecycle.job.task
        stop = asyncio.create_task(stopping.wait(), name=f"stop of {task}")
        try:
            await self._until_begun(stop)
            await _first({self.future, stop}, timeout_seconds)
        finally:
            stop.cancel()
        if not self.future.done():
            if timeout_seconds is not None:
                lifecycle.stop(
                    TimedOutError(task, limit_seconds or timeout_seconds)
                )  # no effect if it was stopped before
            await self._stop(task)
        return self.outcome or StillRuns(self._where)

    async def settled(self, outcome: HandlerOutcome) -> HandlerOutcome:
        """Return how a handler ended, when all that it has reported has arrived here."""
        return outcome

    def leave(self) -> None:
        """Nobody waits for the handler any more."""
        self.interrupt()

    async def _until_begun(self, stop: asyncio.Future[Any]) -> None:
        """Return when the handler begins: the timeout counts from there."""

    async def _stop(self, task: str) -> None:
        self.interrupt()
        await asyncio.wait({self.future}, timeout=STOP_SECONDS)
        if not self.future.done():
            extra = {"action": "handler_left", "task": task, "where": self._where}
            logger.error("a handler does not stop and is abandoned", extra=extra)


class ProcessHandlerRun(HandlerRun):
    """A handler in a process of its own, which is killed when it does not stop."""

    def __init__(self, run: ProcessRun) -> None:
        super().__init__(run.future, run.interrupt, where="in its process")
        self._run = run

    async def settled(self, outcome: HandlerOutcome) -> HandlerOutcome:
        return outcome if isinstance(outcome, StillRuns) else await self._run.settled()

    def leave(self) -> None:
        self._run.kill()

    async def _until_begun(self, stop: asyncio.Future[Any]) -> None:
        begun = asyncio.create_task(self._run.begun.wait())
        try:
            await _first({self.future, stop, begun}, None)
        finally:
            begun.cancel()

    async def _stop(self, task: str) -> None:
        self.interrupt()
        await asyncio.wait({self.future}, timeout=STOP_SECONDS)
        if not self.future.done():
            logger.warning("a handler does not stop and is killed", extra={"action": "handler_killed", "task": task})
            self._run.kill()
            await asyncio.wait({self.future}, timeout=KILL_SECONDS)


def start(kind: Kind, job: Job, params: Any) -> HandlerRun:
    """Start the handler of `kind` in a context where `headway.track` finds `job`. Its result is encoded there too."""
    context, arguments = prepare(kind, job, params)
    if kind.executor == "async":
        task = asyncio.create_task(call_async(kind, arguments), name=f"handler {job.task}", context=context)
        return HandlerRun(task, task.cancel, where="on the event loop")
    return HandlerRun(_in_thread(kind, arguments, context, job.task), _nothing)


def prepare(kind: Kind, job: Job, params: Any) -> tuple[Context, tuple[Any, ...]]:
    """Return the context in which the handler of `kind` reports to `job`, and its arguments."""
    context = copy_context()
    context.run(current.set, job)
    if kind.log_level is not None:
        context.run(kind_level.set, number_of(kind.log_level))
    if kind.capture_print:
        context.run(printed.set, PrintedLines(job))
    return context, (job, params) if kind.takes_params else (job,)


async def call_async(kind: Kind, arguments: tuple[Any, ...]) -> HandlerOutcome:
    """Call an async handler. Whatever it raises is a value."""
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
        outcome = call_sync(context, kind, arguments)
        with suppress(RuntimeError):  # the loop is closed: this thread was abandoned
            loop.call_soon_threadsafe(_resolve, future, outcome)

    threading.Thread(target=call, name=f"handler {task}", daemon=True).start()
    return future


def call_sync(context: Context, kind: Kind, arguments: tuple[Any, ...]) -> HandlerOutcome:
    """Call a handler in `context`. Whatever it raises is a value."""
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


async def _first(futures: set[asyncio.Future[Any]], timeout_seconds: float | None) -> None:
    await asyncio.wait(futures, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
