"""One attempt as the runner of its handler sees it: begin, stop, store the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from headway import codec
from headway.checkpoint import StoredCheckpoint
from headway.children.blocking import BlockingChildren
from headway.children.children import Children, Parent, Report, Stores
from headway.children.waits import Slot
from headway.current import current, running
from headway.errors import CancelRequestedError, EndedError, LogError, OutputOverflowError, SupersededError
from headway.events import TERMINAL, Cancel, ErrorInfo, Event, Progress, Status
from headway.job import Job
from headway.outbox import BEAT_SECONDS, INTERVAL_SECONDS, Appender, Home, Outbox
from headway.progress.pending import Room
from headway.progress.state import ProgressState
from headway.saver import CHECKPOINT_SECONDS, Checkpoints, SavedState, Saver
from headway.values.coercion import shorten
from headway.values.results import encode_result

_SILENCING = (CancelRequestedError, SupersededError, EndedError, OutputOverflowError)
"""What was reported before any other stop (a timeout, a shutdown) is still stored."""


class JobLifecycle:
    """Starts, stops and ends the reports of one attempt. `job` is the part that the handler gets.

    Args:
        chain: where it appends; its attempt has begun.
        kind: of the task.
        failed: how many earlier attempts failed, or vanished while they ran alone.
        lost: how many of the latest ones vanished with their processors.
        alone: whether this attempt is on trial alone in its processor, until `end_trial`.
        on_stop: called once, on the event loop, when the handler should end: cancelled, superseded or ended.
        interval_seconds: shortest time between two rounds of appends (default 0.1).
        beat_seconds: a task beat is sent after this long without an append (default 5).
        clock: seconds, monotonic.
        job_type: the class of `job`.
        home: the event loop that appends (default: the running one, in this thread).
        room: for output and log lines, shared with other attempts: see `headway.outbox.Outbox`.
        checkpoints: where the checkpoints of the handler go (default: they are dropped).
        checkpoint_seconds: shortest time between two of them, unless the handler says otherwise (default 2).
        resumed: the checkpoint from which this attempt continues.
    """

    def __init__(
        self,
        chain: Appender,
        *,
        kind: str = "",
        failed: int = 0,
        lost: int = 0,
        alone: bool = False,
        on_stop: Callable[[LogError], None] | None = None,
        interval_seconds: float = INTERVAL_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        job_type: type[Job] = Job,
        home: Home | None = None,
        room: Room | None = None,
        checkpoints: Checkpoints | None = None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        resumed: StoredCheckpoint | None = None,
    ) -> None:
        self.resumed = resumed
        self._chain = chain
        self._on_stop = on_stop
        self._blocking: BlockingChildren | None = None
        self._home = threading.get_ident()
        lock = threading.RLock()  # the garbage collector may close a tracked loop, or log, while it is held
        self._state = ProgressState(clock, lock, failed=failed, lost=lost, alone=alone, belongs=self._belongs)
        self._saver = Saver(checkpoints, chain.task, clock, checkpoint_seconds)
        if resumed is not None:
            self._state.resume(resumed.checkpoint)
            self._saver.name(SavedState(resumed.seq, resumed.size))
        self._outbox = Outbox(
            chain,
            self._snapshot,
            self.stop,
            lock,
            interval_seconds=interval_seconds,
            beat_seconds=beat_seconds,
            home=home,
            room=room,
            saver=self._saver,
        )
        self.job = job_type(
            self._state,
            self._outbox,
            task=chain.task,
            attempt=chain.attempt or 0,
            kind=kind,
            failed=failed,
            saver=self._saver,
            resumed=resumed.checkpoint if resumed else None,
        )

    def adopt(self, stores: Stores, parent: Parent, slot: Slot) -> Children:
        """Let the handler have children. Return them: whoever ends the attempt ends and closes them."""
        state, outbox, job = self._state, self._outbox, self.job
        report = Report(state.parts, outbox.touch, partial(job.log, level="warning"), lambda: job.stopped is not None)
        children = Children(parent, stores, report, slot)
        self._blocking = job.allow_children(children)
        return children

    @property
    def has_checkpoint(self) -> bool:
        """Whether the log names a checkpoint."""
        return self._saver.named > 0

    def continue_as(self, attempt: int, failed: int) -> None:
        """Report as `attempt`: where the end of the log is read after the lifecycle was made."""
        self.job.attempt, self.job.failed, self._state.failed = attempt, failed, failed

    def start(self) -> None:
        """Begin to append what the handler reports."""
        if isinstance(request := self._chain.head.event, Cancel):  # it came as the attempt began
            self.stop(CancelRequestedError(self.job.task, request.reason))
        self._outbox.start()
        running.add(self)

    async def end_trial(self) -> None:
        """Store that other tasks may begin beside this one. Return when the log has it, or when the attempt ends."""
        self._state.alone = False
        self._outbox.touch()
        await self._outbox.flush()

    def stop(self, reason: LogError) -> None:
        """Tell the handler to end. Only the first reason counts. On the event loop only."""
        if self.job.stopped is None:
            self.job.stopped = reason
            self._outbox.hurry(silence=isinstance(reason, _SILENCING))
            if self._blocking is not None:
                self._blocking.stop()
            if self._on_stop is not None:
                self._on_stop(reason)

    async def relay(self, event: Event) -> None:
        """Store what another process has reported for this attempt. The end continues from its last progress."""
        if isinstance(event, Progress):
            self._state.take_over(event)
        await self._outbox.relay(event)

    async def relay_checkpoint(self, packed: bytes) -> int:
        """Store a checkpoint of another process. Return its number, for a progress that names it; 0 if refused."""
        return await self._outbox.relay_checkpoint(packed)

    def drop_checkpoint(self) -> None:
        """Store no checkpoint that waits: the handler has returned."""
        self._outbox.drop_checkpoint()

    async def drain(self) -> None:
        """Store all that is pending, and nothing after it."""
        await self._outbox.drain()

    async def finish(
        self, status: Status, *, message: str | None = None, data: Any = None, error: ErrorInfo | None = None
    ) -> None:
        """Store all that is pending, then the last event of this attempt. Return when the log has it.

        `data` is the result; a part of it that has no JSON form is kept as text, with a warning in the log.

        Raises SupersededError or EndedError when nothing more of this attempt may be stored.
        """
        running.discard(self)
        result = encode_result(data)
        if result.warning:
            self.job.log(result.warning, "warning", logger="headway.result")
        if status in TERMINAL:
            self.drop_checkpoint()
        await self.drain()
        if isinstance(self.job.stopped, (SupersededError, EndedError)):
            raise self.job.stopped
        if message is not None:
            self._state.message = shorten(message)
        last = self._shown(status)
        last.failed += 1 if status == "retrying" and error is not None else 0
        last.lost = self._state.lost if status == "retrying" and error is None else 0
        last.alone = False
        last.error = error
        last.eta = last.sub = None
        if status == "completed":
            last.progress, last.checkpoint = 100.0, 0
            last.data = codec.raw(result.raw)
        await self._chain.append(last)

    async def abort(self) -> None:
        """Stop appending; what is pending is dropped."""
        running.discard(self)
        await self._outbox.abort()

    def detach(self) -> None:
        """In a child process: nothing that is reported arrives, and no lock of the parent's threads is waited for."""
        lock = threading.RLock()
        self._state.lock = lock
        self._outbox.detach(lock)

    def _belongs(self) -> bool:
        return current.get() is self.job or threading.get_ident() == self._home

    def _snapshot(self) -> Progress:
        return self._shown("processing")

    def _shown(self, status: Status) -> Progress:
        progress = self._state.snapshot(status)
        progress.checkpoint = self._saver.named
        return progress
