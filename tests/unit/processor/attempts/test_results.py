"""Results in the object store."""

from types import SimpleNamespace

import nats.errors
import pytest

from headway.errors import UnavailableError
from headway.subjects import Names
from headway_processor.attempts.results import ObjectStoreResults


class Store:
    """An object store in memory, and the client that opens it."""

    def __init__(self):
        self.objects = {}
        self.error = None

    def jetstream(self):
        return self

    async def object_store(self, bucket):
        if self.error is not None:
            raise self.error
        self.objects.setdefault(bucket, {})
        return SimpleNamespace(put=lambda name, data: self._put(bucket, name, data))

    async def _put(self, bucket, name, data):
        self.objects[bucket][name] = data


async def test_a_result_is_stored_by_its_task_in_place_of_an_earlier_one():
    store, names = Store(), Names("hw")
    results = ObjectStoreResults(store, names)
    await results.put("t1", b"1")
    await results.put("t1", b"2")
    assert store.objects == {names.results_bucket: {"t1": b"2"}}


async def test_an_unreachable_store_is_unavailable():
    store = Store()
    store.error = nats.errors.TimeoutError()
    with pytest.raises(UnavailableError, match="result of t1"):
        await ObjectStoreResults(store, Names("hw")).put("t1", b"1")
