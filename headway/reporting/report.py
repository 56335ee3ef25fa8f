"""`report`: a block of code as a task that people can watch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextvars import Token
from types import TracebackType
from typing import Any

import msgspec

from headway.cancellation import cancelled_message
from headway.errors import CancelRequestedError, LogError, TaskCancelledError
from headway.events import ErrorInfo, Status
from headway.failure import failure
from headway.ids import new_task
from headway.job import Job, current
from headway.records import TaskRecord
from headway.reporting.process import background
from headway.reporting.reported_task import Origin, ReportedJob, ReportedTask
from headway.subjects import check_kind, check_task, kind_of
from headway.values.labels import tags_of, title_of


def report(
    name: str,
    *,
    kind: str = "",
    title: str = "",
    tags: Iterable[str] = (),
    task: str = "",
    parent: str = "",
    owner: str | None = None,
    tenant: str | None = None,
) -> Report:
    """Report a block of code as a task, from any process that reaches NATS:

    .. code-block:: python

        with headway.report("nightly-import", title="Import of the night") as job:
            for row in job.track(rows):
                ...

    No processor runs the task. It is listed, watched and cancelled as any other, and cannot be retried. Reporting never
    blocks: a thread of its own stores what is reported. While NATS is unreachable what waits is bounded
    (`HEADWAY_REPORT_MAX_CHARS`), and the rest is counted. The block may be in a coroutine as well: ``async with``.

    The task ends with the block: completed, with what was passed to ``job.set_result``; in error when the block raises,
    which goes on; cancelled when the block raises TaskCancelledError, as loops of ``track`` and
    ``job.raise_if_cancelled()`` do after a request to cancel. ``async with`` is cancelled as a handler is.

    Args:
        name: what the work is called.
        kind: 1 to 64 of ``A-Z a-z 0-9 _ -`` (default: `name`, with "-" in place of other characters).
        title: what people see (default: `name`).
        tags: words to find it by, at most 16.
        task: an id of your own, as that of a job (default: a new one). A task of the same id that runs is superseded
            by this attempt. Nothing is reported when it has ended, or when it is a task of another owner or of a
            processor; the log says so.
        parent: id of the task of which it is a part.
        owner: whose it is, where streamers control access (default: `HEADWAY_REPORT_OWNER`).
        tenant: of the owner (default: `HEADWAY_REPORT_TENANT`).

    Raises InvalidNameError for a `kind`, `task` or `parent` that is none.
    """
    record = TaskRecord(
        task=check_task(task) if task else new_task(),
        kind=check_kind(kind or kind_of(name)),
        created=0.0,
        title=title_of(title or name),
        tags=tags_of(tags),
        parent=check_task(parent) if parent else "",
        reported=True,
    )
    return Report(record, "chosen" if task else "new", owner, tenant)


class Report:
    """Made by `report`: one block, entered once."""

    def __init__(self, record: TaskRecord, origin: Origin, owner: str | None, tenant: str | None) -> None:
        self._record = record
        self._owner = owner
        self._tenant = tenant
        self._origin = origin
        self._task: ReportedTask | None = None
        self._token: Token[Job | None] | None = None
        self._awaiting: asyncio.Task[Any] | None = None
        self._interrupted = False
        self._tracebacks = False

    def begin(self) -> ReportedJob:
        """Begin the task, and leave the context as it is."""
        process = background()
        settings = process.settings
        record = msgspec.structs.replace(
            self._record,
            created=round(time.time(), 3),
            owner=settings.owner if self._owner is None else self._owner,
            tenant=settings.tenant if self._tenant is None else self._tenant,
        )
        self._task = process.report(record, self._on_stop, self._origin)
        self._tracebacks = settings.tracebacks
        return self._task.job

    def end(self, error: BaseException | None) -> None:
        """End the task, by what its work raised. Only the first call counts."""
        assert self._task is not None
        self._end(self._task, error)

    def __enter__(self) -> ReportedJob:
        job = self.begin()
        self._token = current.set(job)
        return job

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._token is not None
        current.reset(self._token)
        self.end(error)

    async def __aenter__(self) -> ReportedJob:
        self._awaiting, self._loop = asyncio.current_task(), asyncio.get_running_loop()
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        awaiting, self._awaiting = self._awaiting, None
        own = self._interrupted and awaiting is not None and awaiting.uncancel() == 0
        if own and isinstance(error, asyncio.CancelledError):
            error = TaskCancelledError(str(self._task and self._task.job.stopped))
            self.__exit__(TaskCancelledError, error, trace)
            raise error from None
        self.__exit__(kind, error, trace)

    def _on_stop(self, reason: LogError) -> None:
        if self._awaiting is not None:
            self._loop.call_soon_threadsafe(self._interrupt)

    def _interrupt(self) -> None:
        if self._awaiting is not None:
            self._interrupted = True
            self._awaiting.cancel()

    def _end(self, task: ReportedTask, error: BaseException | None) -> None:
        stopped = task.job.stopped
        if error is None or (isinstance(error, SystemExit) and not error.code):
            task.end("completed")
        elif isinstance(error, TaskCancelledError) and isinstance(stopped, CancelRequestedError):
            task.end("cancelled", cancelled_message(stopped.reason))
        elif isinstance(error, KeyboardInterrupt | asyncio.CancelledError | GeneratorExit | TaskCancelledError):
            task.end("cancelled", cancelled_message(_INTERRUPTED.get(type(error), "")))
        elif isinstance(error, SystemExit):
            task.end(*_failed(ErrorInfo("SystemExit", f"the process ended with {error.code!r}")))
        else:
            task.end(*_failed(failure(error, traceback=self._tracebacks).error))


def _failed(error: ErrorInfo) -> tuple[Status, str, ErrorInfo]:
    return "error", error.message, error


_INTERRUPTED: dict[type[BaseException], str] = {
    KeyboardInterrupt: "interrupted at the keyboard",
    asyncio.CancelledError: "the code that reports was cancelled",
    GeneratorExit: "the generator that reports was closed",
}
