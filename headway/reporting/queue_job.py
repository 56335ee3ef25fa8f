"""A job of somebody else's task queue, as the process that enqueues it reports it.

Nothing here raises: the queue works as it would without reports.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from headway.cancellation import cancelled_message
from headway.events import ErrorInfo
from headway.job import current
from headway.reporting.adapter import Waiting, adapter
from headway.reporting.foreign_ids import task_id

logger = logging.getLogger(__name__)


class QueueJob(NamedTuple):
    """What a queue knows of a job."""

    id: str
    """The queue's own id; `task_id` makes the task's id of it."""
    name: str
    """Name of the function: the task's kind, and its title unless there is one."""
    title: str = ""
    tags: Iterable[str] = ()
    parent: str = ""
    """Id of the task that the job is a part of."""

    @property
    def task(self) -> str:
        """Id of the job's task."""
        return task_id(self.id)

    def described(self) -> dict[str, Any]:
        """What `Adapter` takes besides the id."""
        return {"kind": self.name, "title": self.title or self.name, "tags": self.tags, "parent": self.parent}

    def submit(self) -> None:
        """The job is enqueued: wait, for a bounded time, until its task can be watched."""
        with logged():
            self._submitting().wait()

    async def asubmit(self) -> None:
        """As `submit`, without blocking the event loop."""
        with logged():
            await self._submitting().ready()

    def ended(self, error: ErrorInfo | None = None, *, cancelled: str = "") -> None:
        """The job has ended, and no worker reports it: in error, or cancelled with that reason."""
        with logged():
            if error is None:
                message = cancelled_message(cancelled)
                adapter().ended(self.task, kind=self.name, status="cancelled", message=message)
            else:
                adapter().ended(self.task, kind=self.name, status="error", message=error.message, error=error)

    def _submitting(self) -> Waiting:
        running = current.get()
        inner = self if self.parent or running is None else self._replace(parent=running.task)
        return adapter().submitting(self.task, **inner.described())


@contextmanager
def logged() -> Iterator[None]:
    """Log what a report raises in place of raising it."""
    try:
        yield
    except Exception:
        logger.exception("a report has failed", extra={"action": "report_failed"})
