"""A job of somebody else's task queue, as the process that enqueues it reports it.

Nothing here raises: the queue works as it would without reports.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from headway.cancellation import cancelled_message
from headway.events import ErrorInfo, Status
from headway.job import current
from headway.reporting.adapter import Waiting, adapter
from headway.reporting.foreign_ids import task_id

_SEPARATOR = re.compile(r"[.:]")

logger = logging.getLogger(__name__)


class QueueJob(NamedTuple):
    """What a queue knows of a job."""

    id: str
    """The queue's own id; `task_id` makes the task's id of it."""
    name: str
    """Name of the function, with that of its module or without: its last part is the task's kind."""
    title: str = ""
    """What people see (default: the kind)."""
    tags: Iterable[str] = ()
    parent: str = ""
    """Id of the task that the job is a part of."""

    @property
    def task(self) -> str:
        """Id of the job's task."""
        return task_id(self.id)

    @property
    def kind(self) -> str:
        """The last part of the name.

        >>> QueueJob("1", "shop.imports:import_rows").kind
        'import_rows'
        """
        return _SEPARATOR.split(self.name)[-1] or self.name

    def described(self) -> dict[str, Any]:
        """What `Adapter` takes besides the id."""
        return {"kind": self.kind, "title": self.title or self.kind, "tags": self.tags, "parent": self.parent}

    def submit(self) -> None:
        """The job is enqueued: wait, for a bounded time, until its task can be watched."""
        with logged():
            self._submitting().wait()

    async def asubmit(self) -> None:
        """As `submit`, without blocking the event loop."""
        with logged():
            await self._submitting().ready()

    def ended(self, error: ErrorInfo | None = None, *, will_retry: bool = False, cancelled: str = "") -> None:
        """The job has ended, and no worker reports it: in error, or cancelled with that reason.

        With `will_retry` the queue runs it again.
        """
        status: Status = "cancelled" if error is None else "retrying" if will_retry else "error"
        message = cancelled_message(cancelled) if error is None else error.message
        with logged():
            adapter().ended(self.task, kind=self.kind, status=status, message=message, error=error)

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
