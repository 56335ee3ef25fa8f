"""A watcher on a connection that can be written to directly.

While there is something to read, to verify or to wait for, a task runs the watcher step by step. When it has caught
up the task ends and the writer is idle: the tail writes the same bytes to the readers of all idle writers, and an idle
watcher costs no task.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from headway_streamer.frames.sse import chunked
from headway_streamer.watch.idle_timer import IdleTimer
from headway_streamer.watch.log_reader import LogReader
from headway_streamer.watch.session import Session
from headway_streamer.watch.watcher import Watcher

logger = logging.getLogger(__name__)


class DetachedConnection(Protocol):
    """What a writer needs of the server: see `headway_streamer.process.detachable_protocol`."""

    writable: bool

    @property
    def unsent_bytes(self) -> int: ...
    def write(self, chunks: bytes) -> None: ...
    def end(self) -> None: ...
    def abort(self) -> None: ...


class DirectWriter:
    """One stream from `start` to its end."""

    __slots__ = (
        "_connection",
        "_deadline",
        "_direct",
        "_idle",
        "_idle_timer",
        "_loop",
        "_session",
        "_task",
        "_unblocked",
        "_watcher",
        "due_at",
        "writable",
    )

    def __init__(
        self, session: Session, watcher: Watcher, connection: DetachedConnection, idle_timer: IdleTimer
    ) -> None:
        self.due_at = 0.0
        """Loop time at which the watcher has something to send without a new event; valid while idle."""
        self.writable = connection.writable
        self._session = session
        self._watcher = watcher
        self._connection = connection
        self._idle_timer = idle_timer
        self._deadline = idle_timer.write_deadline_seconds
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._direct: LogReader | None = watcher.readers[0] if watcher.shares else None
        """The reader that the tail writes to while this writer is idle."""
        self._idle = False
        self._unblocked: asyncio.Event | None = None

    # The connection's side

    def start(self) -> None:
        """Send `hello`, then what follows."""
        if self._direct is not None:
            self._direct.send = self._connection.write
        self.on_writable(self._connection.writable)
        self._watcher.open(self.wake)
        self._write(self._watcher.hello())
        self.wake()

    def lost(self, error: Exception | None = None) -> None:
        """The client has disconnected, or the kernel has timed it out (`error` is a TimeoutError then)."""
        self._leave_idle()
        if self._task is not None:
            self._task.cancel()
        if isinstance(error, TimeoutError):
            self._note_deadline()
        self._close()

    def on_writable(self, writable: bool) -> None:
        """The connection accepts bytes, or its send buffer is full."""
        self.writable = writable
        if self._direct is not None:
            self._direct.writable = writable
        if writable and self._unblocked is not None:
            self._unblocked.set()

    def wake(self) -> None:
        """Run the next steps of the watcher, in a task."""
        if self._task is None and not self._session.closed:
            self._leave_idle()
            self._task = self._loop.create_task(self._run())

    # The idle timer's side

    def on_due(self, now: float) -> None:
        """`due_at` has come, unless what the tail wrote since has put it off."""
        if self.writable and (piece := self._watcher.idle_bytes()):
            self._write(piece)
        self.due_at = self._watcher.due_at
        if self.due_at <= now or not self.writable:
            self.wake()

    # Steps

    async def _run(self) -> None:
        try:
            while not self._watcher.over:
                if not self.writable:
                    await self._drained()
                piece = await self._watcher.step()
                if piece:
                    self._write(piece)
                elif not self._watcher.over and self._become_idle():
                    return
        except TimeoutError:
            self._note_deadline()
            self._connection.abort()
        except Exception:
            logger.exception("a stream failed", extra={"action": "stream_failed"})
            self._connection.abort()
        finally:
            self._task = None
        if not self._session.closed:
            self._connection.end()
            self._close()

    async def _drained(self) -> None:
        """Return when the connection accepts bytes again. Raises TimeoutError if it accepts none until the deadline."""
        while not self.writable:
            unsent = self._connection.unsent_bytes
            self._unblocked = asyncio.Event()
            try:
                async with asyncio.timeout(self._deadline):
                    await self._unblocked.wait()
            except TimeoutError:
                if self._connection.unsent_bytes >= unsent:
                    raise
            finally:
                self._unblocked = None

    def _write(self, piece: bytes) -> None:
        self._connection.write(chunked(piece))

    # Idleness

    def _become_idle(self) -> bool:
        """End the task and let the tail write. False if there is something to send again."""
        if self._watcher.woken:
            return False
        self._idle = True
        self.due_at = self._watcher.due_at
        self._idle_timer.writers.add(self)
        if (reader := self._direct) is not None:
            # The tail writes to it; being woken besides would end that at each event.
            reader.tail.audience.waiting.discard(reader)
            reader.tail.audience.direct.add(reader)
        return True

    def _leave_idle(self) -> None:
        if not self._idle:
            return
        self._idle = False
        self._idle_timer.writers.discard(self)
        if (reader := self._direct) is not None:
            reader.tail.audience.direct.discard(reader)
            reader.tail.audience.waiting.add(reader)

    def _note_deadline(self) -> None:
        self._idle_timer.metrics.write_deadline()
        logger.info("a watcher accepted no byte in time", extra={"action": "write_deadline"})
        self._watcher.ended_by = "deadline"

    def _close(self) -> None:
        self._watcher.close()
        self._session.close()
