"""Create the streams, buckets and stores that Headway needs in NATS: idempotently, by processors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import (
    ConsumerConfig,
    DiscardPolicy,
    RePublish,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from headway.errors import StoreFullError, UnavailableError
from headway.jetstream.capacity import free_bytes
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.errors import found, mapped, translate
from headway.jetstream.publisher import MAX_MESSAGE_BYTES
from headway.retry_delay import RetryDelay
from headway.service.retry import retry
from headway.subjects import Names

logger = logging.getLogger(__name__)

DAY = 24 * 3600.0
MAX_EVENTS_PER_TASK = 10_000
DUPLICATE_WINDOW_SECONDS = 120.0
TOKEN_KEY_SECONDS = 2 * DAY + 3600.0
"""How long a key of stream tokens is kept. A new one is made each day, so there is always the one before it."""
MAX_TOKEN_KEYS = 200
MAX_REVOCATIONS = 100_000
"""Bounds what each streamer holds in memory: about 30 MB. One ends with the token that it revokes."""
LEASE_SECONDS = 30.0
"""The server deletes the lease of a processor that has not renewed it for this long."""
REPORTERS_SECONDS = 30 * DAY
"""Processors remove the lease of a reporter that has vanished; without any processor the server does so at last."""
JOBS_SHARE = 4
"""The stream of jobs reserves at most one part in this many of the server's free space."""
MIN_JOBS_BYTES = 1024 * 1024
CHECK_SECONDS = 15.0

EVERY_SECOND = RetryDelay(first_seconds=1.0, backoff=1.0, jitter=0.0)
DEFAULTS = NatsSettings()


def streams(names: Names, settings: NatsSettings) -> list[StreamConfig]:
    """The streams of one namespace, those of buckets and object stores included; the stream of jobs is the last.

    At a size limit they refuse new messages instead of dropping old ones: a task whose events were dropped would begin
    a second log, as its fence is the sequence of its last event. None accepts the header by which a publisher replaces
    all earlier messages.
    """
    return [
        _events(names, settings),
        _dead_jobs(names, settings),
        _deletions(names, settings),
        _records(names, settings),
        _bucket(names.kinds_bucket, "The kinds that processors offer", 0.0, settings),
        _secrets(names, settings),
        _token_keys(names, settings),
        _revocations(names, settings),
        _bucket(names.processors_bucket, "The leases of processors", LEASE_SECONDS, settings),
        _bucket(names.reporters_bucket, "The leases of reporters on their tasks", REPORTERS_SECONDS, settings),
        _bucket(names.unique_bucket, "The tasks that hold unique keys", settings.retention_seconds, settings),
        _scheduled(names, settings),
        _objects(names.results_bucket, "Results that are too large for an event", settings),
        _objects(names.files_bucket, "Files that were uploaded for tasks", settings),
        _jobs(names, settings),
    ]


def _events(names: Names, settings: NatsSettings) -> StreamConfig:
    return StreamConfig(
        name=names.events_stream,
        description="The logs of all tasks, one subject each",
        subjects=[names.all_events],
        retention=RetentionPolicy.LIMITS,
        max_age=settings.retention_seconds,
        max_msgs_per_subject=MAX_EVENTS_PER_TASK,  # the oldest of the task go, whatever `discard` says
        discard=DiscardPolicy.NEW,
        republish=RePublish(src=names.all_events, dest=names.republished),
        **_common(settings),
    )


def _jobs(names: Names, settings: NatsSettings) -> StreamConfig:
    return StreamConfig(
        name=names.jobs_stream,
        description="Jobs that wait for a processor or run",
        subjects=[names.all_jobs],
        retention=RetentionPolicy.WORK_QUEUE,
        max_msgs_per_subject=1,
        max_msgs=settings.max_jobs or -1,
        max_bytes=settings.max_jobs_bytes or -1,
        discard=DiscardPolicy.NEW,
        discard_new_per_subject=True,
        **_common(settings),
    )


def _dead_jobs(names: Names, settings: NatsSettings) -> StreamConfig:
    return StreamConfig(
        name=names.dead_stream,
        description="Jobs that were given up",
        subjects=[names.all_dead],
        max_age=settings.dead_retention_seconds,
        **_common(settings),
    )


def _deletions(names: Names, settings: NatsSettings) -> StreamConfig:
    return StreamConfig(
        name=names.deletions_stream,
        description="Tasks to be removed, and ended tasks of kinds with a retention of their own",
        subjects=[names.all_deletions, names.all_ended],
        max_age=settings.retention_seconds,
        discard=DiscardPolicy.NEW,
        **_common(settings),
    )


def _records(names: Names, settings: NatsSettings) -> StreamConfig:
    # A record is written once: who may create records cannot change those of others.
    config = _bucket(names.tasks_bucket, "The records of all tasks", settings.retention_seconds, settings)
    return config.evolve(discard_new_per_subject=True)


def _scheduled(names: Names, settings: NatsSettings) -> StreamConfig:
    # Written once, as the records.
    config = _bucket(names.scheduled_bucket, "Jobs that begin later", settings.retention_seconds, settings)
    return config.evolve(discard_new_per_subject=True)


def _secrets(names: Names, settings: NatsSettings) -> StreamConfig:
    # Written once, as the records: a secret that changed would give every idempotency key another task.
    config = _bucket(names.secrets_bucket, "What streamers derive ids with", 0.0, settings)
    return config.evolve(discard_new_per_subject=True)


def _token_keys(names: Names, settings: NatsSettings) -> StreamConfig:
    description = "Keys of stream and start tokens"
    config = _bucket(names.token_keys_bucket, description, TOKEN_KEY_SECONDS, settings)
    return config.evolve(discard_new_per_subject=True, max_msgs=MAX_TOKEN_KEYS)


def _revocations(names: Names, settings: NatsSettings) -> StreamConfig:
    # Written once: who may revoke cannot undo what others have revoked. Full, it refuses: none is dropped for another.
    config = _bucket(names.revocations_bucket, "Tokens that are no longer valid", settings.max_token_seconds, settings)
    return config.evolve(discard_new_per_subject=True, max_msgs=MAX_REVOCATIONS, allow_msg_ttl=True)


def _bucket(bucket: str, description: str, ttl_seconds: float, settings: NatsSettings) -> StreamConfig:
    """A key-value bucket, as NATS defines it, that keeps one value of each key.

    https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-8.md
    """
    common = _common(settings)
    if ttl_seconds:
        common["duplicate_window"] = min(ttl_seconds, DUPLICATE_WINDOW_SECONDS)
    return StreamConfig(
        name=f"KV_{bucket}",
        description=description,
        subjects=[f"$KV.{bucket}.>"],
        max_age=ttl_seconds,
        max_msgs_per_subject=1,
        discard=DiscardPolicy.NEW,
        deny_delete=True,
        **common,
    )


def _objects(bucket: str, description: str, settings: NatsSettings) -> StreamConfig:
    """An object store, as NATS defines it.

    https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-20.md
    """
    return StreamConfig(
        name=f"OBJ_{bucket}",
        description=description,
        subjects=[f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"],
        max_age=settings.retention_seconds,
        discard=DiscardPolicy.NEW,
        **_common(settings),
    )


def _common(settings: NatsSettings) -> dict[str, Any]:
    return {
        "storage": StorageType.FILE,
        "num_replicas": settings.replicas,
        "allow_direct": True,
        "max_msg_size": MAX_MESSAGE_BYTES,
        "duplicate_window": DUPLICATE_WINDOW_SECONDS,
    }


def job_consumer(names: Names, kind: str, *, ack_wait_seconds: float, concurrency: int) -> ConsumerConfig:
    """The durable pull consumer of one kind. It redelivers indefinitely: the log counts attempts and ends the task."""
    return ConsumerConfig(
        name=kind,  # with the name, nats-py sends the filter in the subject of the request, where permissions see it
        durable_name=kind,
        filter_subject=names.jobs_of(kind),
        ack_wait=ack_wait_seconds,
        max_deliver=-1,
        max_ack_pending=max(concurrency * 100, 1000),
    )


async def ensure(js: JetStreamContext, names: Names, settings: NatsSettings = DEFAULTS) -> None:
    """Create what is missing. Raises UnavailableError if NATS does not answer, StoreFullError if it has no space."""
    with mapped("prepare the streams"):
        # The jobs are last: in a small store they would leave nothing to reserve for the others.
        *others, jobs = streams(names, settings)
        for config in others:
            await _ensure_stream(js, config)
        await _ensure_stream(js, jobs, names)


async def _ensure_stream(js: JetStreamContext, config: StreamConfig, bounded: Names | None = None) -> None:
    async def create() -> None:
        await (js.add_stream(config) if bounded is None else _add_bounded(js, config, bounded))

    await _ensure(partial(js.stream_info, str(config.name)), create)


async def _add_bounded(js: JetStreamContext, config: StreamConfig, names: Names) -> None:
    """Create a stream whose limit of bytes is lowered to what the server can spare."""
    limit_bytes = config.max_bytes or -1
    with suppress(UnavailableError):  # the user may lack the right to ask
        if limit_bytes > 0 and (free := await free_bytes(js, names)):
            limit_bytes = min(limit_bytes, free // JOBS_SHARE)
    if limit_bytes < MIN_JOBS_BYTES:  # others have reserved nearly everything: only the size of the store bounds it
        limit_bytes = -1
    try:
        await js.add_stream(config.evolve(max_bytes=limit_bytes))
    except nats.js.errors.APIError as error:
        if not isinstance(translate(error, ""), StoreFullError):
            raise
        await js.add_stream(config.evolve(max_bytes=-1))


async def _ensure(get: Callable[[], Awaitable[object]], create: Callable[[], Awaitable[object]]) -> None:
    if await found(get()) is not None:
        return
    try:
        await create()
    except nats.js.errors.BadRequestError:  # another process was faster
        await get()


async def report_other_ages(js: JetStreamContext, names: Names, settings: NatsSettings) -> None:
    """Log which streams keep their messages for another time than the settings ask for. Raises UnavailableError."""
    for config in streams(names, settings):
        with mapped(f"ask for {config.name}"):
            info = await js.stream_info(str(config.name))
        if (info.config.max_age or 0) != (config.max_age or 0):
            logger.warning(
                "a stream keeps messages for another time than the settings ask for; `headway nats-adapt` changes it",
                extra={
                    "action": "other_age",
                    "stream": config.name,
                    "seconds": info.config.max_age,
                    "wanted_seconds": config.max_age,
                },
            )


async def ensure_patiently(js: JetStreamContext, names: Names, settings: NatsSettings = DEFAULTS) -> None:
    """Repeat `ensure` until NATS answers (JetStream starts after the server does)."""

    def on_refused(error: UnavailableError) -> None:
        logger.warning("jetstream is not ready", extra={"action": "objects_wait", "error": str(error)})

    await retry(lambda: ensure(js, names, settings), delay=EVERY_SECOND, on_refused=on_refused)


async def keep_ensured(connection: Connection) -> None:
    """Create what is missing every 15 s and after each reconnection, until cancelled: NATS may lose its store."""
    due = asyncio.Event()
    connection.on_reconnect.append(due.set)
    task = asyncio.current_task()
    assert task is not None
    try:
        while True:
            due.clear()
            await ensure_patiently(connection.client.jetstream(), connection.names, connection.settings)
            if task.cancelling():  # asyncio.wait_for in nats-py can swallow a cancellation
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await due.wait()
    finally:
        connection.on_reconnect.remove(due.set)
