"""A child process that is started again whenever it ends, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from headway.cli.local.process_output import Output
from headway.service.die_with_parent import bound

LAST_WORDS_SECONDS = 1.0
"""After its end what a child has printed is read for at most this long: a process it left behind may hold the pipe."""
MIN_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 15.0
STEADY_SECONDS = 10.0
"""Who has lived so long is started again without a longer pause."""
WRONG_SETTING = 2
"""The exit code by which a service says that starting it again is of no use."""


class Spec(NamedTuple):
    """What to start."""

    name: str
    argv: tuple[str, ...]
    environ: Mapping[str, str]
    ready: str
    """What answers when it is ready: a URL of http, or tcp://host:port."""


class Child:
    """Runs `spec`. `on_death` gets each unexpected end: code, pause that follows.

    `on_line` gets each line it prints, in a thread that does nothing else; what it raises is dropped.
    """

    def __init__(
        self, spec: Spec, on_line: Callable[[Child, str], None], on_death: Callable[[Child, int, float], None]
    ) -> None:
        self.spec = spec
        self.tail: deque[str] = deque(maxlen=12)
        """The last lines of the process that runs now, or ran last."""
        self._on_line = on_line
        self._on_death = on_death
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._wake = asyncio.Event()
        self._gone = asyncio.Event()
        self._gone.set()

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process is not None and not self._gone.is_set() else None

    async def keep(self) -> None:
        """Run it until `stop`."""
        clock = asyncio.get_running_loop().time
        pause = MIN_PAUSE_SECONDS
        while not self._stopping:
            started = clock()
            self._wake.clear()
            code = await self._run()
            if self._stopping or self._wake.is_set():
                continue
            pause = MIN_PAUSE_SECONDS if clock() - started >= STEADY_SECONDS else min(2 * pause, MAX_PAUSE_SECONDS)
            pause = MAX_PAUSE_SECONDS if code == WRONG_SETTING else pause
            self._on_death(self, code, pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def restart(self, grace_seconds: float) -> None:
        """End the process and let `keep` start it again at once."""
        self._wake.set()
        await self._end(grace_seconds)

    async def stop(self, grace_seconds: float) -> None:
        """SIGTERM, and SIGKILL for what is still there after the grace."""
        self._stopping = True
        self._wake.set()
        await self._end(grace_seconds)

    def kill(self) -> None:
        """SIGKILL to the process and whatever it has started in its session."""
        if self.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def _end(self, grace_seconds: float) -> None:
        if self._gone.is_set():
            return
        self._terminate()
        try:
            async with asyncio.timeout(grace_seconds):
                await self._gone.wait()
        except TimeoutError:
            self.kill()
            await self._gone.wait()

    def _terminate(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    async def _run(self) -> int:
        self._gone.clear()
        self._process = None
        self.tail.clear()
        output = Output(self._take, f"output of {self.spec.name}")
        try:
            with output.write_end() as stdout:
                self._process = await asyncio.create_subprocess_exec(
                    *bound(*self.spec.argv),
                    env=dict(self.spec.environ),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for the parent, which then ends its children in order
                )
            if self._stopping or self._wake.is_set():  # told to end while it was being made
                self._terminate()
            code = await self._process.wait()
            await asyncio.to_thread(output.join, LAST_WORDS_SECONDS)
        finally:
            self._gone.set()
        return code

    def _take(self, line: str) -> None:
        self.tail.append(line)
        self._on_line(self, line)
