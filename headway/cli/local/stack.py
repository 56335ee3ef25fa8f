"""The local stack: starts, supervises and stops nats-server, a processor and streamers in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from headway.cli.local.log_line import parse_log_line
from headway.cli.local.process import ProcessSpec, SupervisedProcess
from headway.cli.local.readiness import is_ready
from headway.cli.local.stack_specs import StackError

GRACE_SECONDS = 8.0
READY_SECONDS = 40.0
POLL_SECONDS = 0.1
STOP_ORDER = ("streamer", "processor", "nats")
"""Streamers first, so that they say goodbye; NATS last, so that all can flush."""

OnLine = Callable[[SupervisedProcess, str], None]
OnExit = Callable[[SupervisedProcess, int, float], None]


class Stack:
    """Runs the processes of `specs`. As a context manager it stops all of them on exit."""

    def __init__(self, specs: list[ProcessSpec], on_line: OnLine, on_exit: OnExit) -> None:
        self.processes = [SupervisedProcess(spec, on_line, self._count_exit) for spec in specs]
        self._exits: dict[str, int] = {}
        """Number of unexpected exits by process name."""
        self._on_exit = on_exit
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Stack:
        return self

    async def __aexit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, *, strict: bool) -> None:
        """Start all processes and wait until each is ready: NATS before those that need it.

        Raises StackError, if `strict`, when a process exits or is not ready in time.
        """
        for process in self.processes:
            self._tasks.append(asyncio.create_task(process.run(), name=process.spec.name))
            if process.spec.ready_url.startswith("tcp:"):
                await self.wait_ready(process, strict=strict)
        for process in self.processes:
            await self.wait_ready(process, strict=strict)

    async def wait_ready(self, process: SupervisedProcess, *, strict: bool = False) -> None:
        """Wait until `process` is ready. Raises StackError as `start` does."""
        name = process.spec.name
        exits = self._exits.get(name, 0)
        try:
            async with asyncio.timeout(READY_SECONDS if strict else None):
                while not await is_ready(process.spec.ready_url):
                    if strict and self._exits.get(name, 0) > exits:
                        raise StackError(f"{name} exited at startup.\n{format_last_lines(process)}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            raise StackError(f"{name} was not ready in {READY_SECONDS:g} s.\n{format_last_lines(process)}") from error

    async def restart(self, process: SupervisedProcess) -> None:
        """Restart `process` and wait until it is ready or has exited."""
        await process.restart(GRACE_SECONDS)
        with suppress(StackError):
            await self.wait_ready(process, strict=True)

    async def stop(self) -> None:
        """Stop all processes in the order of `STOP_ORDER`."""
        for service in STOP_ORDER:
            group = [process for process in self.processes if service_of(process) == service]
            await asyncio.gather(*(process.stop(GRACE_SECONDS) for process in group))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def kill(self) -> None:
        """Send SIGKILL to all processes."""
        for process in self.processes:
            process.kill()

    def _count_exit(self, process: SupervisedProcess, code: int, delay: float) -> None:
        self._exits[process.spec.name] = self._exits.get(process.spec.name, 0) + 1
        self._on_exit(process, code, delay)


def service_of(process: SupervisedProcess) -> str:
    """Return the service that a process runs: `streamer` for `streamer-8000`."""
    return process.spec.name.partition("-")[0]


def format_last_lines(process: SupervisedProcess) -> str:
    """Format the last lines of output of `process`, indented."""
    lines = [f"  {line}" for raw in tuple(process.last_lines) for line in parse_log_line(raw).text.splitlines()]
    return "\n".join(lines) or "  There was no output."
