"""What the processor puts aside in NATS: jobs that were given up, and results too large for an event."""

from __future__ import annotations

import time

import msgspec
from nats.aio.client import Client

from headway import codec
from headway.errors import MalformedEventError
from headway.jetstream.errors import mapped
from headway.jetstream.publisher import Publisher
from headway.records import DeadJob
from headway.subjects import Names, is_name

TIMEOUT_SECONDS = 5.0
MAX_DEAD_BYTES = 128 * 1024
MAX_DEAD_TEXT = 16 * 1024
"""Characters kept of a job that is too large to be put aside as it is, or that is no JSON."""
NAMELESS = "nameless"
"""Stands for a task id in the subject of a dead job whose own subject has none."""


class NatsArchive:
    """The dead stream and the object store of results."""

    def __init__(self, client: Client, names: Names) -> None:
        self._js = client.jetstream()
        self._publisher = Publisher(client, timeout_seconds=TIMEOUT_SECONDS)
        self._names = names

    async def bury(self, kind: str, task: str, job: bytes, reason: str, key: str) -> None:
        subject = self._names.dead(kind, task if is_name(task) else NAMELESS)
        record = codec.encode_json(DeadJob(job=as_json(job), reason=reason, at=round(time.time(), 3)))
        await self._publisher.store(f"the dead job {subject}", subject, record, msg_id=key)

    async def keep_result(self, task: str, result: bytes) -> None:
        with mapped(f"result of {task}"):
            store = await self._js.object_store(self._names.results_bucket)
            await store.put(task, result)


def as_json(job: bytes) -> msgspec.Raw:
    """A job message as it is if it is JSON and not too large, else its beginning as a JSON string."""
    try:
        if len(job) <= MAX_DEAD_BYTES:
            codec.decode_json(job)
            return msgspec.Raw(job)
    except MalformedEventError:
        pass
    return msgspec.Raw(codec.encode_json(job.decode("utf-8", "replace")[:MAX_DEAD_TEXT]))
