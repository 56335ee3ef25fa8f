"""Publish the kinds of this processor in the kinds bucket, where streamers read them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from nats.js import JetStreamContext
from nats.js.kv import KeyValue

from headway import codec
from headway.errors import ContractError, LogError
from headway.jetstream.errors import found, mapped
from headway.records import KindRecord
from headway.service.retry import retry
from headway.subjects import Names

CHECK_SECONDS = 300.0
"""How often the bucket is checked, in case NATS has lost it."""

logger = logging.getLogger(__name__)


async def publish(js: JetStreamContext, names: Names, records: Iterable[KindRecord]) -> int:
    """Write the records that are missing or differ, and return their number. Raises UnavailableError, TooLargeError."""
    written = 0
    with mapped("publish the kinds"):
        bucket = await js.key_value(names.kinds_bucket)
        for record in records:
            raw = codec.encode_json(record)
            if await _stored(bucket, record.kind) != raw:
                await bucket.put(record.kind, raw)
                written += 1
    return written


async def keep_published(
    js: JetStreamContext, names: Names, records: list[KindRecord], published: asyncio.Event
) -> None:
    """Publish until it succeeds, and check every five minutes, until cancelled.

    `published` is set when the kinds are stored, or when one of them can never be stored.
    """

    def on_refused(error: LogError | ContractError) -> None:
        extra = {"action": "catalogue_refused", "error": repr(error)}
        logger.warning("the kinds cannot be published", extra=extra)
        if isinstance(error, ContractError):
            published.set()

    while True:
        written = await retry(
            lambda: publish(js, names, records), errors=(LogError, ContractError), on_refused=on_refused
        )
        published.set()
        if written:
            logger.info("kinds are published", extra={"action": "catalogue_written", "kinds": written})
        await asyncio.sleep(CHECK_SECONDS)


async def _stored(bucket: KeyValue, kind: str) -> bytes | None:
    entry = await found(bucket.get(kind))
    return None if entry is None else entry.value
