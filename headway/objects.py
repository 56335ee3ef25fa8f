"""The streams, buckets and stores that Headway needs in NATS, made idempotently by whoever starts first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
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

from headway.errors import UnavailableError
from headway.jetstream_errors import mapped
from headway.publisher import MAX_MESSAGE_BYTES
from headway.subjects import Names

logger = logging.getLogger(__name__)

DAY = 24 * 3600.0
MAX_AGE_SECONDS = 7 * DAY
"""How long logs, records and results are kept. It must exceed the longest silence of a live task."""
MAX_EVENTS_PER_TASK = 10_000
DUPLICATE_WINDOW_SECONDS = 120.0
LEASE_SECONDS = 30.0
"""A processor that has not renewed its lease for this long is gone: the server deletes it."""


def streams(names: Names, replicas: int = 1) -> list[StreamConfig]:
    """The streams of one namespace."""
    common: dict[str, Any] = {
        "storage": StorageType.FILE,
        "num_replicas": replicas,
        "allow_direct": True,
        "max_msg_size": MAX_MESSAGE_BYTES,
        "duplicate_window": DUPLICATE_WINDOW_SECONDS,
    }
    events = StreamConfig(
        name=names.events_stream,
        description="The logs of all tasks, one subject each",
        subjects=[names.all_events],
        retention=RetentionPolicy.LIMITS,
        max_age=MAX_AGE_SECONDS,
        max_msgs_per_subject=MAX_EVENTS_PER_TASK,
        republish=RePublish(src=names.all_events, dest=names.republished),
        **common,
    )
    jobs = StreamConfig(
        name=names.jobs_stream,
        description="Jobs that wait for a processor or run",
        subjects=[names.all_jobs],
        retention=RetentionPolicy.WORK_QUEUE,
        max_msgs_per_subject=1,
        discard=DiscardPolicy.NEW,
        discard_new_per_subject=True,
        **common,
    )
    dead = StreamConfig(
        name=names.dead_stream,
        description="Jobs that were given up",
        subjects=[names.all_dead],
        max_age=30 * DAY,
        **common,
    )
    return [events, jobs, dead]


def job_consumer(names: Names, kind: str, *, ack_wait_seconds: float, concurrency: int) -> ConsumerConfig:
    """The durable pull consumer of one kind. It redelivers for ever: the log counts attempts and ends the task."""
    return ConsumerConfig(
        durable_name=kind,
        filter_subject=names.jobs_of(kind),
        ack_wait=ack_wait_seconds,
        max_deliver=-1,
        max_ack_pending=max(concurrency * 100, 1000),
    )


async def ensure(js: JetStreamContext, names: Names, replicas: int = 1) -> None:
    """Make what is missing. Raises UnavailableError when NATS does not answer."""
    with mapped("prepare the streams"):
        for config in streams(names, replicas):
            await _ensure_stream(js, config)
        for bucket, ttl in (
            (names.tasks_bucket, MAX_AGE_SECONDS),
            (names.kinds_bucket, 0.0),
            (names.processors_bucket, LEASE_SECONDS),
        ):
            await _ensure(js.key_value, js.create_key_value, bucket, ttl=ttl, replicas=replicas, direct=True)
        await _ensure(
            js.object_store, js.create_object_store, names.results_bucket, ttl=MAX_AGE_SECONDS, replicas=replicas
        )


async def _ensure_stream(js: JetStreamContext, config: StreamConfig) -> None:
    assert config.name is not None
    try:
        await js.stream_info(config.name)
    except nats.js.errors.NotFoundError:
        try:
            await js.add_stream(config)
        except nats.js.errors.BadRequestError:  # another process was faster
            await js.stream_info(config.name)


async def _ensure(
    get: Callable[[str], Awaitable[Any]], create: Callable[..., Awaitable[Any]], bucket: str, **options: Any
) -> None:
    try:
        await get(bucket)
    except nats.js.errors.NotFoundError:
        try:
            await create(bucket=bucket, **options)
        except nats.js.errors.BadRequestError:  # another process was faster
            await get(bucket)


async def ensure_patiently(js: JetStreamContext, names: Names, replicas: int = 1) -> None:
    """`ensure`, again and again until NATS answers (JetStream starts after the server does)."""
    while True:
        try:
            return await ensure(js, names, replicas)
        except UnavailableError as error:
            logger.warning("jetstream is not ready", extra={"action": "objects_wait", "error": str(error)})
            await asyncio.sleep(1)
