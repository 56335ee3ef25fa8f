"""The process of handlers: runs one attempt after another, each as the processor would.

Started by `headway_processor.processes.spawned`, which calls `main`.
"""

from __future__ import annotations

import asyncio
import inspect
import signal
import socket
from collections.abc import Mapping
from contextlib import ExitStack

from headway.checkpoint import StoredCheckpoint, unpack
from headway.errors import CancelRequestedError, LogError, OutputOverflowError, ParamsError
from headway.events import ErrorInfo
from headway.failure import describe, failure
from headway.jetstream.connection import NatsSettings
from headway.jetstream.results import MAX_BYTES as MAX_RESULT_BYTES
from headway.kind import Kind, Registry
from headway.lifecycle import JobLifecycle
from headway.log_capture import captured_logging
from headway.service import logging_setup
from headway.service.die_with_parent import die_with_parent
from headway.service.settings import load
from headway_processor.attempts.executor import call_async, call_sync, prepare
from headway_processor.attempts.print_capture import captured_print
from headway_processor.outcome import HandlerOutcome, Raised, Returned
from headway_processor.processes.exits import memory_error
from headway_processor.processes.frames import Begun, Error, Idle, Ready, Result, Run, Stop, Unusable
from headway_processor.processes.limits import memory_limit, stand_apart, usage
from headway_processor.processes.link import Link, LinkAppender, LinkCheckpoints
from headway_processor.registration import VARIABLE, declared_settings, load_kinds, module_names
from headway_processor.settings import PREFIX, Settings

NO_BEATS_SECONDS = 7 * 24 * 3600.0
"""The processor sends the beats."""


class ChildAttempt:
    """One attempt in this process."""

    def __init__(self, link: Link, settings: Settings, kind: Kind, run: Run) -> None:
        self._link = link
        self._settings = settings
        self._kind = kind
        self._run = run
        self._lifecycle = JobLifecycle(
            LinkAppender(link, run.task, run.attempt),
            kind=run.kind,
            failed=run.failed,
            on_stop=lambda _: self._interrupt(),
            interval_seconds=settings.interval_seconds,
            beat_seconds=NO_BEATS_SECONDS,
            home=link.home,
            checkpoints=LinkCheckpoints(link),
            checkpoint_seconds=settings.checkpoint_seconds,
            resumed=StoredCheckpoint(run.checkpoint, unpack(run.packed), len(run.packed)) if run.checkpoint else None,
        )
        self._handler: tuple[asyncio.AbstractEventLoop, asyncio.Task[HandlerOutcome]] | None = None

    def run(self) -> bool:
        """Run the handler and report its end. Return whether the process is worn: it should run no other handler."""
        self._link.call(self._start())
        with memory_limit(self._kind.memory_bytes):
            outcome = self._call()
        if isinstance(outcome, Returned):
            self._lifecycle.drop_checkpoint()
        self._link.send(self._end(outcome))
        try:
            self._link.call(self._finish())
        except MemoryError as error:  # the limit was reached where the reports are made
            outcome = Raised(error)
            self._link.send(self._end(outcome))
        return isinstance(outcome, Raised) and isinstance(outcome.error, MemoryError)

    async def _start(self) -> None:
        self._lifecycle.start()
        await self._link.attach(self._stop)

    async def _finish(self) -> None:
        await self._lifecycle.drain()
        await self._lifecycle.abort()
        await self._link.detach()

    def _stop(self, stop: Stop) -> None:
        task = self._run.task
        self._lifecycle.stop(CancelRequestedError(task, stop.text) if stop.cancelled else LogError(stop.text))

    def _interrupt(self) -> None:
        if self._handler is not None:
            loop, task = self._handler
            loop.call_soon_threadsafe(task.cancel)

    def _call(self) -> HandlerOutcome:
        try:
            params = self._kind.read_params(self._run.params)
        except ParamsError as error:
            return Raised(error)
        context, arguments = prepare(self._kind, self._lifecycle.job, params)
        if not inspect.iscoroutinefunction(self._kind.handler):
            return call_sync(context, self._kind, arguments)
        with asyncio.Runner() as runner:
            return runner.run(self._awaited(arguments), context=context)

    async def _awaited(self, arguments: tuple[object, ...]) -> HandlerOutcome:
        loop = asyncio.get_running_loop()
        task = loop.create_task(call_async(self._kind, arguments))
        self._handler = loop, task
        if self._lifecycle.job.stopped is not None:
            task.cancel()
        await asyncio.wait({task})
        return Raised(asyncio.CancelledError()) if task.cancelled() else task.result()

    def _end(self, outcome: HandlerOutcome) -> Result | Error:
        if isinstance(outcome, Returned):
            raw, places, left_out = outcome.value
            if len(raw) > MAX_RESULT_BYTES:
                message = f"the result cannot be stored: {len(raw):,} bytes, of at most {MAX_RESULT_BYTES:,}"
                return Error(error=ErrorInfo("ResultTooLarge", message))
            return Result(raw=raw, places=list(places), left_out=left_out)
        assert isinstance(outcome, Raised)
        if isinstance(overflow := self._lifecycle.job.stopped, OutputOverflowError):
            return Error(error=ErrorInfo("OutputOverflow", str(overflow)))
        if isinstance(outcome.error, MemoryError) and self._kind.memory_bytes is not None:
            return Error(error=memory_error(self._kind.memory_bytes))
        error, retry_in = failure(outcome.error, traceback=self._settings.tracebacks)
        return Error(error=error, retry_in=retry_in)


def main(pipe: int, parent: int, environ: Mapping[str, str]) -> None:
    """Run attempts until the processor closes the pipe."""
    die_with_parent(parent, signal.SIGKILL)
    stand_apart()
    link = Link(socket.socket(fileno=pipe))
    try:
        settings, kinds = _load(environ)
    except Exception as error:  # noqa: BLE001 - whatever the modules of the kinds raise
        link.send(Unusable(message=describe(error).message))
        link.close()
        return
    with ExitStack() as stack:
        stack.enter_context(captured_logging(settings.task_log_level))
        stack.enter_context(captured_print(wanted=any(kind.capture_print for kind in kinds)))
        link.send(Ready())
        while (run := link.next_run()) is not None:
            worn = _attempt(link, settings, kinds, run)
            link.send(Idle(resident_bytes=usage().resident, worn=worn))
    link.close()


def _attempt(link: Link, settings: Settings, kinds: Registry, run: Run) -> bool:
    link.send(Begun())
    kind = kinds.get(run.kind)
    if kind is None:
        message = f"the handler's process does not find the kind {run.kind!r}: register it when its module is imported"
        link.send(Error(error=ErrorInfo("UnknownKind", message)))
        return False
    return ChildAttempt(link, settings, kind, run).run()


def _load(environ: Mapping[str, str]) -> tuple[Settings, Registry]:
    beside = [group.type for group in declared_settings() if group.prefix == PREFIX]
    settings = load(Settings, PREFIX, environ, beside=beside)
    logging_setup.setup(settings.log_level, secrets=load(NatsSettings, "HEADWAY_NATS_", environ).secrets)
    return settings, load_kinds(module_names(environ.get(VARIABLE, "")), environ, builtin=settings.builtin_kinds)
