"""Running a handler: on the event loop or in a thread, with an end that always comes as a value."""

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
from headway.task import Kind
from headway.track import current
from headway.values.results import Encoded, encode_result
from headway_processor.attempts.decision import Ending, Raised, Returned
from headway_processor.attempts.errors import TimedOutError
from headway_processor.attempts.log_capture import kind_level, number_of
from headway_processor.attempts.print_capture import PrintedLines, flush_printed, printed

STOP_SECONDS = 3.0
"""How long a handler that was told to stop is waited for. A thread cannot be killed, only left behind."""

logger = logging.getLogger(__name__)


class HandlerRun:
    """A handler that runs. `interrupt` cancels an async one; a thread sees `job.stopped`."""

    def __init__(self, future: asyncio.Future[Ending], interrupt: Callable[[], object]) -> None:
        self._future = future
        self.interrupt = interrupt

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it runs."""
        if not self._future.done():
            return None
        if self._future.cancelled():  # before its first step
            return Raised(asyncio.CancelledError())
        return self._future.result()

    async def until_end(self, job: Job, stopping: asyncio.Event, timeout_seconds: float | None) -> Ending | None:
        """Wait for the end, or make it after `timeout_seconds` and when `stopping` is set. None: it would not stop."""
        stop = asyncio.create_task(stopping.wait(), name=f"stop of {job.task}")
        either: set[asyncio.Future[Any]] = {self._future, stop}
        try:
            await asyncio.wait(either, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
        if not self._future.done():
            if timeout_seconds is not None:
                job.stop(TimedOutError(job.task, timeout_seconds))  # counts only if nothing else stopped it before
            await self._make_end(job)
        return self.ending

    async def _make_end(self, job: Job) -> None:
        self.interrupt()
        await asyncio.wait({self._future}, timeout=STOP_SECONDS)
        if not self._future.done():
            logger.error(
                "a handler does not stop and is left behind", extra={"action": "handler_left", "task": job.task}
            )


def start(kind: Kind, job: Job, params: Any) -> HandlerRun:
    """Start the handler of `kind`; inside it `headway.track` finds `job`. What it returns is encoded where it ran."""
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


async def _call_async(kind: Kind, arguments: tuple[Any, ...]) -> Ending:
    try:
        return Returned(_encoded(kind, await kind.handler(*arguments)))
    except BaseException as error:  # noqa: BLE001 - SystemExit in a task would end the event loop
        return Raised(error)
    finally:
        flush_printed()


def _in_thread(kind: Kind, arguments: tuple[Any, ...], context: Context, task: str) -> asyncio.Future[Ending]:
    # A thread of its own, and a daemon: one that never ends would occupy a pool and keep the process from ending.
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Ending] = loop.create_future()

    def call() -> None:
        ending = _call(context, kind, arguments)
        with suppress(RuntimeError):  # the loop is closed: this thread was left behind
            loop.call_soon_threadsafe(_resolve, future, ending)

    threading.Thread(target=call, name=f"handler {task}", daemon=True).start()
    return future


def _call(context: Context, kind: Kind, arguments: tuple[Any, ...]) -> Ending:
    try:
        return Returned(context.run(lambda: _encoded(kind, kind.handler(*arguments))))
    except BaseException as error:  # noqa: BLE001 - what is raised here would be lost with the thread
        return Raised(error)
    finally:
        context.run(flush_printed)


def _encoded(kind: Kind, value: object) -> Encoded:
    """The result as JSON. Raises TaskError for one that is no result but work which nobody has done."""
    if inspect.isgenerator(value) or inspect.isasyncgen(value) or inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()  # else Python warns that nobody has awaited it
        message = f"the handler returned a {type(value).__name__} instead of a result: await or exhaust it there"
        raise TaskError(message, type="UnfinishedResult", retryable=False)
    return encode_result(value, kind.encoder)


def _resolve(future: asyncio.Future[Ending], ending: Ending) -> None:
    if not future.done():
        future.set_result(ending)


def _nothing() -> None:
    """A thread cannot be interrupted; it looks at `job.stopped`."""
