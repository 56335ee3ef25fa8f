"""The processes of a processor: kept while they are idle, and replaced when they are worn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from headway.kind import Kind
from headway.lifecycle import JobLifecycle
from headway_processor.processes.frames import Idle
from headway_processor.processes.remote_run import HandlerProcess, RemoteRun

END_SECONDS = 1.0
"""How long runs may take to end when the pool is closed."""

logger = logging.getLogger(__name__)


class Pool:
    """Starts handlers in processes.

    Args:
        spawn: starts a process. Raises ProcessStartError.
        tasks: a process is replaced after this many handlers; 0 for never.
        memory_bytes: a process that holds more is replaced; 0 for never.
    """

    def __init__(self, spawn: Callable[[], Awaitable[HandlerProcess]], *, tasks: int, memory_bytes: int) -> None:
        self._spawn = spawn
        self._tasks = tasks
        self._memory_bytes = memory_bytes
        self._idle: list[HandlerProcess] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._runs: set[RemoteRun] = set()

    def start(self, kind: Kind, lifecycle: JobLifecycle, params: bytes) -> RemoteRun:
        """Start the handler of `kind` in a process. `params` are JSON."""
        run = RemoteRun(self, kind, lifecycle, params)
        self._runs.add(run)
        run.task.add_done_callback(lambda _: self._runs.discard(run))
        return run

    async def take(self) -> HandlerProcess:
        """Return an idle process, or a new one. Raises ProcessStartError."""
        while self._idle:
            process = self._idle.pop()
            if process.alive:
                return process
        return await self._spawn()

    def give_back(self, process: HandlerProcess, idle: Idle | None) -> None:
        """Keep a process for the next handler; `idle` is how it is after this one, None to end it."""
        process.tasks += 1
        if idle is not None and self._is_fit(process, idle):
            self._idle.append(process)
            return
        if idle is None:
            process.kill()
        else:
            logger.info(
                "a process is replaced",
                extra={"action": "process_replaced", "tasks": process.tasks, "resident_bytes": idle.resident_bytes},
            )
        closing = asyncio.create_task(process.close(), name=f"end of process {process.pid}")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """End all processes; what still runs is killed, also where NATS does not take what it has reported."""
        runs = [run.task for run in self._runs]
        for run in list(self._runs):
            run.kill()
            run.task.cancel()
        if runs:
            await asyncio.wait(runs, timeout=END_SECONDS)
        idle, self._idle = self._idle, []
        await asyncio.gather(*self._closing, *(process.close() for process in idle), return_exceptions=True)

    def _is_fit(self, process: HandlerProcess, idle: Idle) -> bool:
        many = 0 < self._tasks <= process.tasks
        large = 0 < self._memory_bytes < idle.resident_bytes
        return process.alive and not (idle.worn or many or large)
