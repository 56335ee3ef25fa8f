"""A handler that runs in a process: its reports are stored as they come, and its end is a value."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from headway.checkpoint import pack
from headway.errors import CancelRequestedError
from headway.events import ErrorInfo
from headway.failure import Failure
from headway.kind import Kind
from headway.lifecycle import JobLifecycle
from headway.values.results import Encoded, Place
from headway_processor.outcome import Failed, HandlerOutcome, Returned
from headway_processor.processes.errors import MalformedFrameError, PipeClosedError, ProcessStartError
from headway_processor.processes.exits import exit_error
from headway_processor.processes.frames import (
    Answer,
    Begun,
    Error,
    Frame,
    Idle,
    Report,
    Result,
    Run,
    Save,
    Stop,
    Stored,
)

MAX_PROCESSES = 5
"""How many processes may end before the handler has begun in one: while they are idle, others may kill them."""

logger = logging.getLogger(__name__)


class HandlerProcess(Protocol):
    """A process that runs one handler at a time."""

    tasks: int

    @property
    def pid(self) -> int:
        """The process id."""

    @property
    def alive(self) -> bool:
        """Whether it can run a handler."""

    async def send(self, frame: Frame) -> None:
        """Send an order."""

    async def receive(self) -> Answer:
        """Return the next answer. Raises MalformedFrameError and PipeClosedError."""

    async def exit_code(self) -> int:
        """Kill it if it still runs. Return how it ended."""

    def kill(self) -> None:
        """Kill it."""

    async def close(self) -> None:
        """Let it end."""


class Processes(Protocol):
    """Where the processes come from."""

    async def take(self) -> HandlerProcess:
        """Return a process that runs no handler. Raises ProcessStartError."""

    def give_back(self, process: HandlerProcess, idle: Idle | None) -> None:
        """Note that the handler has ended; `idle` says how it left the process, None that it is to be killed."""


class RemoteRun:
    """A running handler. It begins at once, on the running event loop.

    Args:
        processes: where it gets its process from.
        lifecycle: stores what the handler reports.
        params: parameters of the task, as JSON.
    """

    def __init__(self, processes: Processes, kind: Kind, lifecycle: JobLifecycle, params: bytes) -> None:
        job = lifecycle.job
        self.begun = asyncio.Event()
        """Set when the handler begins: its process may have to start first."""
        self.future: asyncio.Future[HandlerOutcome] = asyncio.get_running_loop().create_future()
        """Resolves when the handler has ended; what it has reported may not be stored yet."""
        self._processes = processes
        self._kind = kind
        self._lifecycle = lifecycle
        resumed = lifecycle.resumed
        self._order = Run(
            kind=kind.name,
            task=job.task,
            attempt=job.attempt,
            failed=job.failed,
            params=params,
            checkpoint=resumed.seq if resumed else 0,
            packed=pack(resumed.checkpoint) if resumed else b"",
        )
        self._process: HandlerProcess | None = None
        self._telling: asyncio.Task[None] | None = None
        self.task = asyncio.create_task(self._run(), name=f"handler {job.task}")

    async def settled(self) -> HandlerOutcome:
        """Return how the handler ended, when all that it has reported is stored or refused."""
        return await asyncio.shield(self.task)

    def interrupt(self) -> None:
        """Tell the handler that it should end."""
        reason = self._lifecycle.job.stopped
        if self._process is None or self.future.done() or reason is None or self._telling is not None:
            return
        cancelled = isinstance(reason, CancelRequestedError)
        text = reason.reason if isinstance(reason, CancelRequestedError) else str(reason)
        stop = Stop(text=text, cancelled=cancelled)
        self._telling = asyncio.create_task(self._process.send(stop), name=f"stop of {self._order.task}")

    def kill(self) -> None:
        """Kill the process of the handler, unless all that it has reported is stored."""
        if self.task.done():
            return
        if self._process is not None:
            self._process.kill()
        else:
            self.task.cancel()

    async def _run(self) -> HandlerOutcome:
        try:
            outcome = await self._run_in(self._processes)
            if not self.future.done():
                self.future.set_result(outcome)
            return outcome
        finally:
            self.future.cancel()

    async def _run_in(self, processes: Processes) -> HandlerOutcome:
        for _ in range(MAX_PROCESSES):
            try:
                process = await processes.take()
            except ProcessStartError as error:
                return Failed(Failure(ErrorInfo("ProcessStartFailed", str(error), retryable=True, transient=True)))
            self._process, idle = process, None
            try:
                await process.send(self._order)
                outcome, idle = await self._exchange(process)
            except PipeClosedError:
                code = await process.exit_code()
                if self.begun.is_set():
                    return Failed(Failure(exit_error(code, self._kind.memory_bytes)))
                logger.warning(
                    "an idle process has ended; the handler gets another one",
                    extra={"action": "process_ended", "code": code},
                )
            except MalformedFrameError as error:
                return Failed(Failure(ErrorInfo("MalformedReport", str(error), retryable=True)))
            else:
                return outcome
            finally:
                self._process = None
                processes.give_back(process, idle)

        message = f"{MAX_PROCESSES} processes ended before the handler began"
        return Failed(Failure(ErrorInfo("ProcessStartFailed", message, retryable=True, transient=True)))

    async def _exchange(self, process: HandlerProcess) -> tuple[HandlerOutcome, Idle]:
        """Store what the process reports, until the handler has ended and all is stored."""
        outcome: HandlerOutcome | None = None
        while True:
            match await process.receive():
                case Report(event=event):
                    await self._lifecycle.relay(event)
                    await process.send(Stored())
                case Save(packed=packed):
                    await process.send(Stored(checkpoint=await self._lifecycle.relay_checkpoint(packed)))
                case Begun():
                    self.begun.set()
                    self.interrupt()  # it may have been stopped before
                case Result(raw=raw, places=places, left_out=left_out):
                    outcome = self._note(Returned(Encoded(raw, tuple(Place(*place) for place in places), left_out)))
                case Error(error=error, retry_in=retry_in):
                    outcome = self._note(Failed(Failure(error, retry_in)))
                case Idle() as idle if outcome is not None:
                    return outcome, idle
                case answer:
                    raise MalformedFrameError(f"the handler's process sent {type(answer).__name__} out of turn")

    def _note(self, outcome: HandlerOutcome) -> HandlerOutcome:
        if not self.future.done():
            self.future.set_result(outcome)
        return outcome
