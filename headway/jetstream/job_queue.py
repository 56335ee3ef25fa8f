"""The queue of jobs: a stream in which each task has at most one message."""

from __future__ import annotations

from contextlib import suppress

from nats.aio.client import Client

from headway import codec
from headway.errors import AlreadyStoredError
from headway.jetstream.errors import mapped
from headway.jetstream.publisher import Publisher
from headway.records import JobMessage
from headway.subjects import Names

TIMEOUT_SECONDS = 2.0


class JetStreamJobQueue:
    """Stores jobs for processors to take."""

    def __init__(self, client: Client, names: Names) -> None:
        self._js = client.jetstream(timeout=TIMEOUT_SECONDS)
        self._publisher = Publisher(client, timeout_seconds=TIMEOUT_SECONDS)
        self._names = names

    @property
    def limit_bytes(self) -> int:
        """Most bytes of one message, headers included."""
        return self._publisher.limit_bytes

    async def put(self, job: JobMessage) -> None:
        """Store `job`, unless a job of its task is stored. Raises TooLargeError, StoreFullError, UnavailableError."""
        with suppress(AlreadyStoredError):
            await self._publisher.store(
                f"the job of {job.task}",
                self._names.job(job.kind, job.task),
                codec.encode_json(job),
                msg_id=f"job.{job.task}",
                stream=self._names.jobs_stream,
            )

    async def has(self, kind: str, task: str) -> bool:
        """Whether the job of a task is stored. Raises UnavailableError."""
        with mapped(f"ask for the job of {task}"):
            info = await self._js.stream_info(self._names.jobs_stream, subjects_filter=self._names.job(kind, task))
        return bool(info.state.subjects)
