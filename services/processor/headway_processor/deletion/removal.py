"""Removal of everything that is stored of a task, from all streams."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nats.aio.client import Client

from headway.eventlog.deletion import mark_deleted
from headway.eventlog.log import Log
from headway.jetstream.purge import Purger
from headway.jetstream.results import ResultStore
from headway.subjects import Names

Step = Callable[[], Awaitable[None]]


class TaskRemoval:
    """Removes tasks that have ended. A removal that was interrupted is repeated from its beginning."""

    def __init__(self, client: Client, names: Names, log: Log) -> None:
        self._purge = Purger(client).purge
        self._results = ResultStore(client, names)
        self._names = names
        self._log = log

    async def remove(self, task: str, request: int = 0) -> None:
        """Remove the task, and last the requests to remove it up to the sequence `request`.

        The event that marks it as deleted remains in its log: a late event of another writer does not begin a new one.
        Raises NotEndedError before anything is removed, and UnavailableError.
        """
        end = await mark_deleted(self._log, task)
        for step in self.steps(task, end, request):
            await step()

    def steps(self, task: str, end: int, request: int) -> list[Step]:
        """The parts of a removal, in order; `end` is the sequence of the event that marks the task as deleted."""
        names, purge = self._names, self._purge
        return [
            # Before its job: a processor may put one in the queue meanwhile.
            lambda: purge(f"KV_{names.scheduled_bucket}", f"$KV.{names.scheduled_bucket}.{task}"),
            lambda: purge(names.jobs_stream, names.job_of_any_kind(task)),
            lambda: purge(names.dead_stream, names.dead_of_any_kind(task)),
            lambda: self._results.remove(task, purge),
            lambda: purge(f"OBJ_{names.results_bucket}", names.checkpoint(task)),
            lambda: purge(f"KV_{names.tasks_bucket}", f"$KV.{names.tasks_bucket}.{task}"),
            lambda: purge(names.events_stream, names.event(task), end),
            lambda: purge(names.deletions_stream, names.ended_of_any_kind(task)),
            # A request that came meanwhile stays: something of the task may have been stored after it was removed.
            lambda: purge(names.deletions_stream, names.deletion(task), request + 1),
        ]

    async def drop(self, task: str, request: int) -> None:
        """Remove the requests for a task that has not ended."""
        await self._purge(self._names.deletions_stream, self._names.deletion(task), request + 1)
