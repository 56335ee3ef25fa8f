"""The jobs that wait in the queue or run, read without taking them."""

from __future__ import annotations

from nats.aio.client import Client

from headway.jetstream.direct_get import DirectGet
from headway.jetstream.purge import Purger
from headway.jetstream.stored import Stored
from headway.subjects import Names

PAGE_JOBS = 256
PAGE_BYTES = 1024 * 1024
EVERY = ">"
"""All subjects of the stream, which costs less than the same with its prefix: see `headway.jetstream.kv`."""


class QueuedJobs:
    """The stream of jobs. Methods raise UnavailableError and may be repeated."""

    def __init__(self, client: Client, names: Names) -> None:
        self._stream = names.jobs_stream
        self._direct = DirectGet(client, self._stream)
        self._purger = Purger(client)

    async def page(self, start: int) -> list[Stored]:
        """Up to 256 jobs from sequence `start` on, in the order in which they were stored; none at the end."""
        request = {"next_by_subj": EVERY, "seq": max(start, 1), "batch": PAGE_JOBS, "max_bytes": PAGE_BYTES}
        found, _ = await self._direct.get(request)
        return found

    async def remove(self, job: Stored) -> None:
        """Remove a job, and not one that has replaced it."""
        await self._purger.purge(self._stream, job.subject, job.seq + 1)
