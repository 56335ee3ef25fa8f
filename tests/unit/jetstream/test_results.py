"""Results in the object store: read by task; what is absent is distinguished from what cannot be read."""

from types import SimpleNamespace

import nats.errors
import nats.js.errors
import pytest

from headway.errors import UnavailableError
from headway.jetstream.results import ResultStore
from headway.subjects import Names

NAMES = Names("hw")


class FakeObjectStore:
    """Objects by name; an exception as the value is raised."""

    def __init__(self, objects):
        self.objects = objects

    async def get(self, name):
        found = self.objects.get(name, nats.js.errors.ObjectNotFoundError())
        if isinstance(found, Exception):
            raise found
        return SimpleNamespace(data=found)


@pytest.fixture
def results(client):
    return ResultStore(client, NAMES)


@pytest.fixture
def objects(client):
    store = FakeObjectStore({})
    client.js.stores[NAMES.results_bucket] = store
    return store.objects


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (b'{"pages":7}', b'{"pages":7}'),
        (bytearray(b"[1]"), b"[1]"),
        (b"", b""),
        (None, b""),  # an object of no chunks
        (nats.js.errors.ObjectNotFoundError(), None),
        (nats.js.errors.ObjectDeletedError(), None),
    ],
)
async def test_result_of_a_task(results, objects, stored, expected):
    objects["t1"] = stored
    found = await results.get("t1")
    assert (type(found), found) == (type(expected), expected)


async def test_result_of_another_task_is_not_found(results, objects):
    objects["t2"] = b"{}"
    assert await results.get("t1") is None


async def test_missing_bucket_has_no_results(client, results):
    assert await results.get("t1") is None
    assert client.js.calls == [f"store {NAMES.results_bucket}"]


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        nats.errors.ConnectionClosedError(),
        nats.errors.NoRespondersError(),
        nats.js.errors.ServiceUnavailableError(code=503, err_code=10008),
        nats.js.errors.DigestMismatchError(),
        nats.js.errors.BadObjectMetaError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_result_that_cannot_be_read_is_unavailable(client, results, objects, error):
    objects["t1"] = error
    with pytest.raises(UnavailableError, match="result of t1"):
        await results.get("t1")
    client.js.failing = [error]
    with pytest.raises(UnavailableError, match="result of t2"):
        await results.get("t2")
