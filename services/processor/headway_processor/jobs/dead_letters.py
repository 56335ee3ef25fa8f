"""Jobs that cannot be completed, in a stream of their own."""

from __future__ import annotations

import time

import msgspec
from nats.aio.client import Client

from headway import codec
from headway.errors import MalformedEventError
from headway.jetstream.publisher import Publisher
from headway.records import NAMELESS, DeadJob
from headway.subjects import Names, is_name

TIMEOUT_SECONDS = 5.0
MAX_JOB_BYTES = 128 * 1024
MAX_TEXT_CHARS = 16 * 1024
"""Characters kept of a job that is over MAX_JOB_BYTES or is not JSON."""


class JetStreamDeadLetters:
    """The dead-letter stream."""

    def __init__(self, client: Client, names: Names) -> None:
        self._publisher = Publisher(client, timeout_seconds=TIMEOUT_SECONDS)
        self._names = names

    async def add(self, kind: str, task: str, job: bytes, reason: str, key: str) -> None:
        """Store a job. The same `key` within two minutes is stored once. Raises UnavailableError; may be repeated."""
        subject = self._names.dead(kind, task if is_name(task) else NAMELESS)
        record = codec.encode_json(DeadJob(job=as_json(job), reason=reason, at=round(time.time(), 3)))
        await self._publisher.store(f"the dead letter {subject}", subject, record, msg_id=key)


def as_json(job: bytes) -> msgspec.Raw:
    """Return a job message unchanged if it is JSON and not too large, else its beginning as a JSON string."""
    try:
        if len(job) <= MAX_JOB_BYTES:
            codec.decode_json(job)
            return msgspec.Raw(job)
    except MalformedEventError:
        pass
    return msgspec.Raw(codec.encode_json(job.decode("utf-8", "replace")[:MAX_TEXT_CHARS]))
