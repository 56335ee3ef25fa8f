"""Results that were too large for an event: the object store."""

from __future__ import annotations

from headway.jetstream.connection import Connection
from headway.jetstream.errors import found, mapped


class Results:
    """Results that were too large for an event."""

    def __init__(self, connection: Connection) -> None:
        self._js = connection.client.jetstream(timeout=5)
        self._bucket = connection.names.results_bucket

    async def get(self, task: str) -> bytes | None:
        """The result's JSON, if it is kept here. Raises UnavailableError."""
        with mapped(f"result of {task}"):
            store = await found(self._js.object_store(self._bucket))
            result = await found(store.get(task)) if store is not None else None
        return None if result is None else bytes(result.data or b"")
