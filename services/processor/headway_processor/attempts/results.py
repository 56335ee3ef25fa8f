"""Results that are too large for an event, in an object store."""

from __future__ import annotations

from nats.aio.client import Client

from headway.jetstream.errors import mapped
from headway.subjects import Names


class ObjectStoreResults:
    """The object store of results in NATS, by task."""

    def __init__(self, client: Client, names: Names) -> None:
        self._js = client.jetstream()
        self._bucket = names.results_bucket

    async def put(self, task: str, result: bytes) -> None:
        """Store the result of a task in place of an earlier one. Raises UnavailableError; may be repeated."""
        with mapped(f"result of {task}"):
            store = await self._js.object_store(self._bucket)
            await store.put(task, result)
