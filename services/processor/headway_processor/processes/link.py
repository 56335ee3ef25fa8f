"""The pipe to the processor, as the process of a handler sees it: an event loop in a thread beside the handler."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any, TypeVar

from headway.checkpoint import MAX_STATE_BYTES
from headway.errors import TooLargeError, UnavailableError
from headway.eventlog.chain import EMPTY, Head
from headway.events import Aside, Chunk, Event, LogLine, Progress
from headway.outbox import Home
from headway_processor.processes.errors import PipeClosedError
from headway_processor.processes.frames import Frame, Idle, Report, Run, Save, Stop, Stored, encode, orders, read_frame

T = TypeVar("T")


class Link:
    """Reads orders and sends answers. When the processor has gone, it ends the process with all that it started."""

    def __init__(self, pipe: socket.socket) -> None:
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="headway link", daemon=True)
        self._thread.start()
        self.home = Home(self._loop, self._thread.ident or 0)
        self._runs: SimpleQueue[Run | None] = SimpleQueue()
        self._busy = False
        self._stop: Stop | None = None
        self._on_stop: Callable[[Stop], None] | None = None
        self._stored: asyncio.Future[int] | None = None
        self._reader, self._writer = self.call(asyncio.open_unix_connection(sock=pipe))
        self._reading = asyncio.run_coroutine_threadsafe(self._read(), self._loop)

    def next_run(self) -> Run | None:
        """Wait for the next attempt; None when the processor needs this process no longer."""
        return self._runs.get()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the event loop of this link. Return its result. From the handler's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def send(self, frame: Frame) -> None:
        """Send an answer. From the handler's thread."""
        self.call(self._send(frame))

    def close(self) -> None:
        """Close the pipe and end the thread."""
        self._loop.call_soon_threadsafe(self._writer.close)
        self._loop.call_soon_threadsafe(lambda: self._loop.call_soon(self._loop.stop))
        self._thread.join()
        self._loop.close()

    async def attach(self, on_stop: Callable[[Stop], None]) -> None:
        """Call `on_stop` on this event loop when the handler is to end, also if that came before."""
        self._on_stop = on_stop
        if self._stop is not None:
            on_stop(self._stop)

    async def detach(self) -> None:
        """The attempt has ended: what stops it comes too late."""
        self._on_stop = self._stop = None

    async def report(self, event: Progress | Chunk | Aside | LogLine) -> None:
        """Return when the processor has stored `event`."""
        await self._ask(Report(event=event))

    async def save(self, packed: bytes) -> int:
        """Have the processor store a checkpoint. Return its number; 0 if it is refused."""
        return await self._ask(Save(packed=packed))

    async def _ask(self, frame: Report | Save) -> int:
        self._stored = self._loop.create_future()
        await self._send(frame)
        return await self._stored

    async def _send(self, frame: Frame) -> None:
        self._busy = self._busy and not isinstance(frame, Idle)
        self._writer.write(encode(frame))
        await self._writer.drain()

    async def _read(self) -> None:
        try:
            while True:
                self._take(orders.decode(await read_frame(self._reader)))
        except PipeClosedError:
            self._end()

    def _take(self, order: Frame) -> None:
        if isinstance(order, Run):
            self._busy, self._stop = True, None
            self._runs.put(order)
        elif isinstance(order, Stop):
            self._stop = order
            if self._on_stop is not None:
                self._on_stop(order)
        elif self._stored is not None and not self._stored.done():
            self._stored.set_result(order.checkpoint if isinstance(order, Stored) else 0)

    def _end(self) -> None:
        if self._busy:  # nobody waits for the handler any more
            os.killpg(0, signal.SIGKILL)
        self._runs.put(None)


class LinkAppender:
    """Appends to the log of a task through the processor. A `headway.outbox.Appender`."""

    def __init__(self, link: Link, task: str, attempt: int) -> None:
        self.task = task
        self.attempt: int | None = attempt
        self._link = link

    @property
    def head(self) -> Head:
        """Nothing: the processor knows the log."""
        return EMPTY

    async def append(self, event: Event) -> None:
        """Return when the processor has stored `event`, or has refused it: then it sends `Stop`."""
        assert isinstance(event, Progress | Chunk | Aside | LogLine)
        await self._link.report(event)

    async def beat(self) -> None:
        """Nothing: the processor sends the beats."""

    def stored_beside(self, size: int) -> None:
        """Nothing: the processor counts."""


class LinkCheckpoints:
    """Stores checkpoints through the processor, which removes those that are replaced."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def put(self, task: str, packed: bytes) -> int:
        """Store a checkpoint. Raises UnavailableError when the processor could not."""
        if len(packed) > MAX_STATE_BYTES:
            raise TooLargeError(f"the checkpoint of {task}", len(packed), MAX_STATE_BYTES)
        if not (seq := await self._link.save(packed)):
            raise UnavailableError("the processor could not store the checkpoint")
        return seq

    async def drop_before(self, task: str, seq: int) -> None:
        """Nothing: the processor does it."""

    async def remove(self, task: str) -> None:
        """Nothing: the processor does it."""
