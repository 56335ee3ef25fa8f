"""Results that were too large for an event: the object store."""

from __future__ import annotations

import nats.js.errors

from headway.jetstream.connection import Connection
from headway.jetstream.errors import mapped


class Results:
    """Results that were too large for an event."""

    def __init__(self, connection: Connection) -> None:
        self._js = connection.client.jetstream(timeout=5)
        self._bucket = connection.names.results_bucket

    async def get(self, task: str) -> bytes | None:
        """The result's JSON, if it is kept here. Raises UnavailableError."""
        with mapped(f"result of {task}"):
            try:
                store = await self._js.object_store(self._bucket)
                return bytes((await store.get(task)).data or b"")
            except nats.js.errors.NotFoundError:
                return None
