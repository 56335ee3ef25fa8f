"""The life of one task that a worker of somebody else runs: record, first event, what is reported, terminal event."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from headway.cancellation import cancelled_message, watch
from headway.errors import CancelRequestedError, EndedError, LogError, SupersededError, TaskTakenError
from headway.eventlog.chain import EMPTY, Chain
from headway.eventlog.log import Log
from headway.events import ErrorInfo, Progress, Status, is_terminal
from headway.job import Job
from headway.lifecycle import JobLifecycle
from headway.outbox import Home
from headway.progress.pending import Room
from headway.records import TaskRecord
from headway.reporting.opening import Records, open_task
from headway.service.retry import retry
from headway.service.supervisor import cancel_and_wait
from headway.values.coercion import shorten
from headway.values.results import MAX_RESULT_BYTES, Encoded, encode_result

OnStop = Callable[[LogError], None]
"""Called once, on the event loop of the reports, when the work should end."""

Refusal: TypeAlias = Literal["", "cancelled", "ended"]
"""Why an attempt did not begin: the task was cancelled, or it has ended or its id is taken; "" if it has begun."""

Origin: TypeAlias = Literal["new", "chosen", "queue"]
"""Where a task's id comes from: made here, chosen by the caller within its owner, or given by a queue, whose workers
continue what others have submitted."""

MAX_STATE_CHARS = 64

logger = logging.getLogger(__name__)


class Lease(Protocol):
    """The lease of this process on its tasks."""

    async def add(self, task: str, attempt: int) -> None:
        """Return when the lease holds this attempt at `task`."""

    def remove(self, task: str) -> None:
        """The task has its end."""


class Parents(Protocol):
    """The tasks that others are a part of: see `headway.reporting.roll_up`."""

    async def update(self, task: str) -> None:
        """A part of `task` has ended. Raises UnavailableError."""


class Stores(NamedTuple):
    """What a reported task is written to."""

    log: Log
    records: Records
    lease: Lease
    parents: Parents


class ReportedJob(Job):
    """The job of a task that no processor runs. It has a result only if one is set."""

    result: Any = None

    def set_result(self, value: Any) -> None:
        """The result of the task, with which it completes."""
        self.result = value

    def set_state(self, word: str) -> None:
        """Name the state of the work by a word of its own, as Celery's custom states; "" for none."""
        self._state.word = shorten(word, MAX_STATE_CHARS)
        self._outbox.touch()


class Outcome(NamedTuple):
    """How the work has ended."""

    status: Status
    result: Encoded
    message: str | None = None
    error: ErrorInfo | None = None


class ReportedTask:
    """One task. `end` may be called from any thread, `run` on the event loop of the reports.

    Args:
        record: of the task, as it is to be stored.
        on_stop: called when the task is cancelled, or has another writer.
        home: the event loop of the reports.
        room: what may wait, of all tasks together.
        origin: where its id comes from.
    """

    def __init__(
        self, record: TaskRecord, stores: Stores, on_stop: OnStop, *, home: Home, room: Room, origin: Origin = "new"
    ) -> None:
        self.begun: Future[Refusal] = Future()
        """Done when the attempt has begun, or is refused."""
        self.stored: Future[None] | None = None
        """Done when nothing of the task waits any more; None for a task that is left out."""
        self._record = record
        self._stores = stores
        self._home = home
        self._origin = origin
        self._chain = Chain(stores.log, record.task, EMPTY._replace(ownership=record.ownership), attempt=1)
        self.lifecycle = JobLifecycle(
            self._chain, kind=record.kind, on_stop=on_stop, job_type=ReportedJob, home=home, room=room
        )
        self._parent = ""
        self._outcome: Outcome | None = None
        self._ended = asyncio.Event()

    @property
    def job(self) -> ReportedJob:
        """What the work reports with."""
        assert isinstance(self.lifecycle.job, ReportedJob)
        return self.lifecycle.job

    @property
    def ended(self) -> bool:
        """Whether the work has ended."""
        return self._outcome is not None

    def end(self, status: Status, message: str | None = None, error: ErrorInfo | None = None) -> None:
        """Note how the work has ended. Only the first call counts."""
        if self._outcome is None:
            self._outcome = Outcome(status, encode_result(self.job.result), message, error)
            if self.stored is not None:
                self._home.loop.call_soon_threadsafe(self._ended.set)

    def leave_out(self) -> None:
        """Store nothing of the task."""
        self.lifecycle.detach()
        self._answer("")

    async def run(self) -> None:
        """Store the attempt from the task's record to its last event, however long NATS is unreachable."""
        try:
            await self._begin()
            self._answer("")
            await self._until_end()
            await self._finish()
        except (SupersededError, EndedError, TaskTakenError) as reason:
            self._answer("cancelled" if getattr(reason, "status", "") == "cancelled" else "ended")
            self.lifecycle.stop(reason)
            logger.warning("a report was refused", extra=self._extra("report_refused") | {"reason": str(reason)})
        except CancelRequestedError as request:
            await self._cancelled_before(request)
        except Exception:
            logger.exception("a report has failed", extra=self._extra("report_failed"))
        finally:
            self._answer("")
            await self.lifecycle.abort()
            await self._update_parent()
            self._stores.lease.remove(self._record.task)

    def _answer(self, refusal: Refusal) -> None:
        if not self.begun.done():
            self.begun.set_result(refusal)

    async def _begin(self) -> None:
        task, lease = self._record.task, self._stores.lease
        if self._origin == "new":
            await lease.add(task, 1)  # first, so that no task is left without an end
        record, (head, latest) = await open_task(
            self._stores.log, self._stores.records, self._record, adopt=self._origin == "queue"
        )
        await lease.add(task, head.attempt + 1)
        self._parent = record.parent
        self._chain.continue_from(head, head.attempt + 1)
        self.lifecycle.continue_as(head.attempt + 1, 0 if latest is None else latest.failed)
        await self._chain.begin(Progress(status="processing", progress=0.0, message=record.title, step=""))
        self.lifecycle.start()

    async def _cancelled_before(self, request: CancelRequestedError) -> None:
        """Somebody has cancelled the task while it waited for this attempt."""
        self._answer("cancelled")
        self.lifecycle.stop(request)
        with suppress(SupersededError, EndedError):
            await self.lifecycle.finish("cancelled", message=cancelled_message(request.reason))

    async def _update_parent(self) -> None:
        """While the lease holds the task: where this process is killed before, a processor does it."""
        head = self._chain.head.event
        if self._parent and head is not None and is_terminal(head):
            await retry(lambda: self._stores.parents.update(self._parent))

    async def _until_end(self) -> None:
        watching = asyncio.create_task(watch(self._stores.log, self.lifecycle, self._chain.head.seq))
        try:
            await self._ended.wait()
        finally:
            await cancel_and_wait(watching)  # before the terminal event: it would be taken for that of another writer

    async def _finish(self) -> None:
        assert self._outcome is not None
        status, result, message, error = self._outcome
        if result.warning:
            self.job.log(result.warning, "warning", logger="headway.result")
        await self.lifecycle.finish(status, message=message, data=self._data(result.raw), error=error)

    def _data(self, raw: bytes) -> object:
        """The result as an event holds it. A large one is left out: this role may not write to the store of results."""
        if len(raw) <= MAX_RESULT_BYTES:
            return msgspec.Raw(raw)
        text = f"the result is left out: it has {len(raw):,} bytes, and {MAX_RESULT_BYTES:,} can be shown"
        self.job.log(
            f"{text}; store it elsewhere and set a link to it as the result", "warning", logger="headway.result"
        )
        return None

    def _extra(self, action: str) -> dict[str, object]:
        return {"action": action, "task": self._record.task, "kind": self._record.kind}
