"""What the adapters of task queues report with: tasks that one process submits and another one runs.

Nothing here raises because NATS is unreachable, and nothing waits for it longer than `HEADWAY_REPORT_OPEN_SECONDS`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import Future, wait
from contextlib import suppress
from contextvars import Token
from typing import Any

from headway.cancellation import cancelled_message
from headway.errors import LogError
from headway.events import ErrorInfo, Status
from headway.failure import failure
from headway.job import Job, current
from headway.records import TaskRecord
from headway.reporting.background import Background
from headway.reporting.process import background
from headway.reporting.reported_task import OnStop, Refusal, ReportedJob, ReportedTask
from headway.subjects import check_task, kind_of
from headway.values.labels import tags_of, title_of

LOOK_SECONDS = 0.02
"""How often who waits looks whether NATS is still reachable."""


def adapter() -> Adapter:
    """The reports of this process, made by the first call; a forked child has its own."""
    return Adapter(background())


class Waiting:
    """What NATS is storing. Who waits for it waits a bounded time, and not at all while NATS is unreachable."""

    def __init__(self, future: Future[Any], process: Background) -> None:
        self.future = future
        self._process = process

    @property
    def seconds(self) -> float:
        """How long to wait at most."""
        return self._process.settings.open_seconds if self._process.reachable else 0.0

    def wait(self) -> bool:
        """Block this thread. Return whether it is stored."""
        deadline = time.monotonic() + self.seconds
        while (left := min(self.seconds, deadline - time.monotonic())) > 0 and not self.future.done():
            wait([self.future], min(left, LOOK_SECONDS))
        return self.future.done()

    async def ready(self) -> bool:
        """As `wait`, without blocking the event loop."""
        loop, stored = asyncio.get_running_loop(), asyncio.Event()

        def done(_: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(stored.set)

        self.future.add_done_callback(done)
        deadline = loop.time() + self.seconds
        while (left := min(self.seconds, deadline - loop.time())) > 0 and not self.future.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(stored.wait(), min(left, LOOK_SECONDS))
        return self.future.done()


class Adapter:
    """Reports the tasks of a queue. Task ids are those of the queue: 1 to 64 of ``A-Z a-z 0-9 _ -``.

    The methods raise InvalidNameError for another id, and nothing else. A `kind` is made of any name.
    """

    def __init__(self, process: Background) -> None:
        self._process = process
        self.settings = process.settings

    def submitting(
        self,
        task: str,
        *,
        kind: str,
        title: str = "",
        tags: Iterable[str] = (),
        parent: str = "",
        owner: str | None = None,
        tenant: str | None = None,
        after: Iterable[str] = (),
        children: Iterable[str] = (),
    ) -> Waiting:
        """A task is given to the queue: from now on it is listed and can be watched.

        Args:
            kind: what the queue calls the function.
            title: what people see (default: the kind).
            tags: words to find it by.
            parent: id of the task of which it is a part.
            owner: whose it is, where streamers control access (default: `HEADWAY_REPORT_OWNER`).
            tenant: of the owner (default: `HEADWAY_REPORT_TENANT`).
            after: ids of tasks that must succeed before it begins. It ends as they do when one of them does not.
            children: ids of the tasks that it consists of. No worker begins it: it ends with the last of them.
        """
        record = self._record(task, kind, title, tags, parent, owner, tenant)
        record.after, record.children = list(after), list(children)
        return Waiting(self._process.submit(record), self._process)

    def submitted(self, task: str, **what: Any) -> bool:
        """As `submitting`, and waits until it is stored. Return whether it is."""
        return self.submitting(task, **what).wait()

    def attempt(
        self,
        task: str,
        *,
        kind: str,
        title: str = "",
        tags: Iterable[str] = (),
        parent: str = "",
        owner: str | None = None,
        tenant: str | None = None,
        on_stop: OnStop | None = None,
    ) -> Attempt:
        """The next attempt at a task begins in this process. A task that nobody has submitted is opened.

        `on_stop` is called once when the work should end, in the thread of the reports. The other arguments are those
        of `submitting`, and used only if the task is opened here.
        """
        record = self._record(task, kind, title, tags, parent, owner, tenant)
        return Attempt(self._process.report(record, on_stop or _nothing, "queue"), self._process)

    def ended(self, task: str, *, kind: str, status: Status, message: str, error: ErrorInfo | None = None) -> Waiting:
        """A task has ended that no attempt of this process runs: revoked while it waited, or its worker was killed.

        A task that has ended already stays as it is.
        """
        record = self._record(task, kind, "", (), "", None, None)
        return Waiting(self._process.end(record, status, message, error), self._process)

    def flush(self) -> None:
        """Wait until what has ended is stored, before a process ends without exit handlers.

        At most `HEADWAY_REPORT_FLUSH_SECONDS`, and not at all while NATS is unreachable.
        """
        deadline = time.monotonic() + self._process.settings.flush_seconds
        while self._process.flush(LOOK_SECONDS) and self._process.reachable and time.monotonic() < deadline:
            pass

    def _record(
        self,
        task: str,
        kind: str,
        title: str,
        tags: Iterable[str],
        parent: str,
        owner: str | None,
        tenant: str | None,
    ) -> TaskRecord:
        settings = self._process.settings
        return TaskRecord(
            task=check_task(task),
            kind=kind_of(kind),
            created=round(time.time(), 3),
            owner=settings.owner if owner is None else owner,
            tenant=settings.tenant if tenant is None else tenant,
            title=title_of(title),
            tags=tags_of(tags),
            parent=parent,
            reported=True,
        )


class Attempt:
    """One attempt at a task, in the worker that runs it. Its end is one of the last methods."""

    def __init__(self, task: ReportedTask, process: Background) -> None:
        self._task = task
        self._process = process
        self._tracebacks = process.settings.tracebacks
        self._token: Token[Job | None] | None = None
        self.begun = Waiting(task.begun, process)
        """Wait for it, and then look at `refusal`, before the work begins."""

    @property
    def job(self) -> ReportedJob:
        """What the work reports with."""
        return self._task.job

    @property
    def stored(self) -> Waiting:
        """Wait for it after the end of the attempt, before another process may begin the next one."""
        stored = self._task.stored
        return self.begun if stored is None else Waiting(stored, self._process)

    @property
    def refusal(self) -> Refusal:
        """Why the attempt did not begin, as far as is known. Work that was cancelled is not to be done."""
        return self._task.begun.result() if self._task.begun.done() else ""

    def activate(self) -> None:
        """Make `job` that of this context: for `headway.track`, `headway.current_job` and log lines."""
        self._token = current.set(self.job)

    def deactivate(self) -> None:
        """End what `activate` began, in the same context."""
        if self._token is not None:
            current.reset(self._token)
            self._token = None

    def completed(self, result: Any = None, message: str | None = None) -> None:
        """The work is done. A result without a JSON form is kept as text."""
        if result is not None:
            self.job.set_result(result)
        self._task.end("completed", message)

    def failed(self, error: BaseException | ErrorInfo, *, will_retry: bool = False, message: str = "") -> None:
        """The work has failed; with `will_retry` the queue runs it again, and the next attempt is another `Attempt`.

        `message` is what people see (default: that of the error).
        """
        info = error if isinstance(error, ErrorInfo) else failure(error, traceback=self._tracebacks).error
        self._task.end("retrying" if will_retry else "error", message or info.message, info)

    def handed_on(self, message: str) -> None:
        """The attempt is over without a failure, and the queue runs the task again in another one."""
        self._task.end("retrying", message)

    def cancelled(self, reason: str = "") -> None:
        """The work was cancelled."""
        self._task.end("cancelled", cancelled_message(reason))


def _nothing(reason: LogError) -> None:
    """For work that looks at `job.cancelled` by itself."""
