"""What the processor puts aside in NATS: jobs that were given up, and results too large for an event."""

from __future__ import annotations

import time
from typing import Protocol

import msgspec
import nats.errors
from nats.js import JetStreamContext

from headway import codec
from headway.errors import UnavailableError
from headway.records import DeadJob
from headway.subjects import Names, is_name

MAX_DEAD_BYTES = 128 * 1024
MAX_DEAD_TEXT = 16 * 1024
"""Characters kept of a job that is too large to be put aside as it is, or that is no JSON."""
NAMELESS = "nameless"
"""Stands for a task id in the subject of a dead job whose own subject has none."""


class Archive(Protocol):
    """Both methods raise UnavailableError and may be called again."""

    async def bury(self, kind: str, task: str, job: bytes, reason: str, key: str) -> None:
        """Put a job that was given up aside. The same `key` within two minutes is kept once."""

    async def keep_result(self, task: str, result: bytes) -> None:
        """Store a result, in place of an earlier one of the same task."""


class NatsArchive:
    """The dead stream and the object store of results."""

    def __init__(self, js: JetStreamContext, names: Names) -> None:
        self._js = js
        self._names = names

    async def bury(self, kind: str, task: str, job: bytes, reason: str, key: str) -> None:
        subject = self._names.dead(kind, task if is_name(task) else NAMELESS)
        record = codec.encode_json(DeadJob(job=as_json(job), reason=reason, at=round(time.time(), 3)))
        try:
            await self._js.publish(subject, record, headers={"Nats-Msg-Id": key})
        except (nats.errors.Error, TimeoutError) as error:
            raise UnavailableError(f"dead job {subject}: {error!r}") from error

    async def keep_result(self, task: str, result: bytes) -> None:
        try:
            store = await self._js.object_store(self._names.results_bucket)
            await store.put(task, result)
        except (nats.errors.Error, TimeoutError) as error:
            raise UnavailableError(f"result of {task}: {error!r}") from error


def as_json(job: bytes) -> msgspec.Raw:
    """A job message as it is if it is JSON and not too large, else its beginning as a JSON string."""
    try:
        if len(job) <= MAX_DEAD_BYTES:
            msgspec.json.decode(job)
            return msgspec.Raw(job)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    return msgspec.Raw(codec.encode_json(job.decode("utf-8", "replace")[:MAX_DEAD_TEXT]))
