"""A supervised child process: it is restarted whenever it exits, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from headway.cli.local.process_output import OutputReader
from headway.service.die_with_parent import bound

OUTPUT_DRAIN_SECONDS = 1.0
"""Time to read the rest of the output after an exit: a process that the child has left behind may hold the pipe."""
MIN_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 15.0
STABLE_SECONDS = 10.0
"""A process that ran this long is restarted after the shortest delay."""
EXIT_INVALID_SETTINGS = 2
"""Exit code of a service with invalid settings: a quick restart would fail in the same way."""


class ProcessSpec(NamedTuple):
    """Command, environment and readiness probe of a child process."""

    name: str
    argv: tuple[str, ...]
    environ: Mapping[str, str]
    ready_url: str
    """Where it answers when it is ready: an HTTP URL, or tcp://host:port."""


class SupervisedProcess:
    """Runs the process of `spec`. `on_exit` is called at each unexpected exit: exit code, seconds until the restart.

    `on_line` is called with each line of output, in a reader thread; its exceptions are ignored.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        on_line: Callable[[SupervisedProcess, str], None],
        on_exit: Callable[[SupervisedProcess, int, float], None],
    ) -> None:
        self.spec = spec
        self.last_lines: deque[str] = deque(maxlen=12)
        """The last lines of output of the current or latest process."""
        self._on_line = on_line
        self._on_exit = on_exit
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._restart = asyncio.Event()
        """Ends the delay before a restart; also marks an exit as expected."""
        self._exited = asyncio.Event()
        self._exited.set()

    @property
    def pid(self) -> int | None:
        """Process id; None when no process is running."""
        return self._process.pid if self._process is not None and not self._exited.is_set() else None

    async def run(self) -> None:
        """Run the process and restart it after each exit, until `stop`."""
        clock = asyncio.get_running_loop().time
        delay = MIN_DELAY_SECONDS
        while not self._stopping:
            started = clock()
            self._restart.clear()
            code = await self._run_once()
            if self._stopping or self._restart.is_set():
                continue
            delay = _restart_delay(delay, code, clock() - started)
            self._on_exit(self, code, delay)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._restart.wait()

    async def restart(self, grace_seconds: float) -> None:
        """Stop the process; `run` starts it again without a delay."""
        self._restart.set()
        await self._end(grace_seconds)

    async def stop(self, grace_seconds: float) -> None:
        """Send SIGTERM, and SIGKILL after the grace period. `run` returns."""
        self._stopping = True
        self._restart.set()
        await self._end(grace_seconds)

    def kill(self) -> None:
        """Send SIGKILL to the process and to all processes of its session."""
        if self.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def _end(self, grace_seconds: float) -> None:
        if self._exited.is_set():
            return
        self._terminate()
        try:
            async with asyncio.timeout(grace_seconds):
                await self._exited.wait()
        except TimeoutError:
            self.kill()
            await self._exited.wait()

    def _terminate(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    async def _run_once(self) -> int:
        self._exited.clear()
        self._process = None
        self.last_lines.clear()
        output = OutputReader(self._handle_line, f"output of {self.spec.name}")
        try:
            with output.write_end() as stdout:
                self._process = await self._spawn(stdout)
            if self._stopping or self._restart.is_set():  # requested while the process was being created
                self._terminate()
            code = await self._process.wait()
            await asyncio.to_thread(output.join, OUTPUT_DRAIN_SECONDS)
        finally:
            self._exited.set()
        return code

    async def _spawn(self, stdout: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *bound(*self.spec.argv),
            env=dict(self.spec.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C goes to the parent alone, which stops its children in order
        )

    def _handle_line(self, line: str) -> None:
        self.last_lines.append(line)
        self._on_line(self, line)


def _restart_delay(previous: float, code: int, ran_seconds: float) -> float:
    """Return the seconds until the next start, from the previous delay, the exit code and the running time."""
    if code == EXIT_INVALID_SETTINGS:
        return MAX_DELAY_SECONDS
    return MIN_DELAY_SECONDS if ran_seconds >= STABLE_SECONDS else min(2 * previous, MAX_DELAY_SECONDS)
