"""A process of handlers as its processor sees it: started, asked, killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress

from headway_processor.processes.errors import PipeClosedError, ProcessStartError
from headway_processor.processes.frames import (
    Answer,
    Frame,
    Ready,
    Unusable,
    decode_answer,
    encode,
    read_frame,
)

MODULE = "headway_processor.processes.child"
NICE = 10
"""Added to the niceness: the event loop of the processor comes first when the CPUs are busy."""
BEGIN = "import os, sys; os.nice({nice}); import {module}; {module}.main(*map(int, sys.argv[1:]), os.environ)"
"""What the process runs. Its priority is lowered first: importing takes most of the time of its start."""
START_SECONDS = 60.0
"""How long a process may take to load the kinds."""
LAST_SECONDS = 1.0
"""How long after the end of a process what it has sent may take to arrive."""


class SpawnedProcess:
    """A process that runs one handler at a time. Made by `spawn`."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.tasks = 0
        """Number of handlers that it has run."""
        self._process = process
        self._reader = reader
        self._writer = writer
        self._exit = asyncio.create_task(self._until_exit(), name=f"process {process.pid}")

    @property
    def pid(self) -> int:
        """The process id, and that of its group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can run a handler."""
        return not self._exit.done()

    async def send(self, frame: Frame) -> None:
        """Send an order. No effect when the process has ended: `receive` says so."""
        with suppress(OSError):
            self._writer.write(encode(frame))
            await self._writer.drain()

    async def receive(self) -> Answer:
        """Return the next answer. Raises MalformedFrameError, and PipeClosedError when the process has ended."""
        return decode_answer(await read_frame(self._reader))

    async def exit_code(self) -> int:
        """Return how the process ended; the signal as a negative number. It is killed if it still runs."""
        self.kill()
        return await asyncio.shield(self._exit)

    def kill(self) -> None:
        """Kill the process and all that it has started in its group."""
        if not self._exit.done():
            _kill(self.pid)

    async def close(self, wait_seconds: float = 1.0) -> None:
        """Let an idle process end; kill it after `wait_seconds`."""
        self._writer.close()
        await asyncio.wait({self._exit}, timeout=wait_seconds)
        await self.exit_code()
        self._writer.transport.abort()

    async def _until_exit(self) -> int:
        code = await self._process.wait()
        _kill_group(self.pid)  # what the handler has started would keep the pipe open
        asyncio.get_running_loop().call_later(LAST_SECONDS, self._writer.transport.abort)
        return code


async def spawn(environ: Mapping[str, str]) -> SpawnedProcess:
    """Start a process, and return when it has loaded the kinds. Raises ProcessStartError."""
    ours, theirs = socket.socketpair()
    with theirs:
        begin = BEGIN.format(nice=NICE, module=MODULE)
        command = (sys.executable, "-c", begin, str(theirs.fileno()), str(os.getpid()))
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, pass_fds=(theirs.fileno(),), env=dict(environ)
            )
        except OSError as error:
            ours.close()
            raise ProcessStartError(f"a process for the handler cannot be started: {error}") from error
    spawned = SpawnedProcess(process, *await asyncio.open_unix_connection(sock=ours))
    try:
        async with asyncio.timeout(START_SECONDS):
            await _until_ready(spawned)
    except BaseException:
        await asyncio.shield(spawned.close(0.0))
        raise
    return spawned


async def _until_ready(spawned: SpawnedProcess) -> None:
    try:
        answer = await spawned.receive()
    except PipeClosedError as error:
        code = await spawned.exit_code()
        raise ProcessStartError(f"the process for the handler ended with {code} before it was ready") from error
    if isinstance(answer, Unusable):
        raise ProcessStartError(f"the process for the handler cannot load the kinds: {answer.message}")
    if not isinstance(answer, Ready):
        raise ProcessStartError("the process for the handler is not one of this version")


def _kill(pid: int) -> None:
    _kill_group(pid)
    with suppress(ProcessLookupError):  # it does not lead its group yet
        os.kill(pid, signal.SIGKILL)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
