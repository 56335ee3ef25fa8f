"""The lease by which streamers know that this processor is alive; it expires unless it is renewed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from headway import codec
from headway.errors import UnavailableError
from headway.ids import nonce
from headway.jetstream.connection import Connection
from headway.jetstream.errors import mapped
from headway.jetstream.provision import LEASE_SECONDS
from headway.records import ProcessorRecord

RENEW_SECONDS = LEASE_SECONDS / 3
END_SECONDS = 1.0

logger = logging.getLogger(__name__)


async def keep_renewed(connection: Connection, describe: Callable[[], ProcessorRecord]) -> None:
    """Renew the lease periodically and after each reconnection until cancelled, then delete it.

    Jobs are pulled without it, so a renewal that fails is only logged. `describe` is called for each renewal.
    """
    name = nonce()
    due = asyncio.Event()
    connection.on_reconnect.append(due.set)
    try:
        while True:
            due.clear()
            await _renew(connection, name, codec.encode_json(describe()))
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_SECONDS):
                    await due.wait()
    finally:
        connection.on_reconnect.remove(due.set)
        await _end(connection, name)


async def _renew(connection: Connection, name: str, value: bytes) -> None:
    try:
        with mapped("the lease"):
            bucket = await connection.client.jetstream().key_value(connection.names.processors_bucket)
            await bucket.put(name, value)
    except UnavailableError as error:
        logger.warning("the lease cannot be renewed", extra={"action": "lease_refused", "error": str(error)})


async def _end(connection: Connection, name: str) -> None:
    if not connection.connected:
        return
    with suppress(UnavailableError, TimeoutError), mapped("the lease"):
        async with asyncio.timeout(END_SECONDS):
            bucket = await connection.client.jetstream().key_value(connection.names.processors_bucket)
            await bucket.delete(name)
