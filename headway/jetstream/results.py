"""Results that were too large for an event: an object store."""

from __future__ import annotations

from nats.aio.client import Client

from headway.jetstream.errors import found, mapped
from headway.subjects import Names

TIMEOUT_SECONDS = 5.0


class ResultStore:
    """Reads results by task."""

    def __init__(self, client: Client, names: Names) -> None:
        self._js = client.jetstream(timeout=TIMEOUT_SECONDS)
        self._bucket = names.results_bucket

    async def get(self, task: str) -> bytes | None:
        """The JSON of the result of `task`; None if it is not kept here. Raises UnavailableError."""
        with mapped(f"result of {task}"):
            store = await found(self._js.object_store(self._bucket))
            result = await found(store.get(task)) if store is not None else None
        return None if result is None else bytes(result.data or b"")
