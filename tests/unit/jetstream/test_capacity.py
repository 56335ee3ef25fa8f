"""How much space a server has left, found by what it refuses."""

import pytest
from nats.js.api import StreamConfig

from headway.errors import UnavailableError
from headway.jetstream.capacity import MOST_BYTES, free_bytes
from headway.subjects import Names

NAMES = Names("hw")


@pytest.fixture
def js(client):
    client.js.streams[NAMES.events_stream] = StreamConfig(name=NAMES.events_stream, subjects=[NAMES.all_events])
    return client.js


@pytest.mark.parametrize("free", [1_000, 123_456_789, 10 * 1024**3])
async def test_free_space_is_found_to_one_per_cent(js, free):
    js.free_bytes = free
    assert free * 0.99 <= await free_bytes(js, NAMES) <= free
    assert list(js.streams) == [NAMES.events_stream]  # no stream was created
    assert len(js.calls) < 80


async def test_server_that_reveals_nothing_gives_0(js):
    js.free_bytes = MOST_BYTES
    assert await free_bytes(js, NAMES) == 0


async def test_missing_stream_of_events_is_unavailable_and_leaves_nothing(js):
    js.streams.clear()
    with pytest.raises(UnavailableError, match="HW_EVENTS is missing"):
        await free_bytes(js, NAMES)
    assert js.streams == {}


async def test_server_that_does_not_answer_is_unavailable(js):
    js.failing = [TimeoutError()]
    with pytest.raises(UnavailableError):
        await free_bytes(js, NAMES)


@pytest.mark.parametrize(("limit", "used", "free"), [(100, 30, 70), (100, 130, 0)])
async def test_account_with_a_limit_has_the_rest_of_it(js, limit, used, free):
    js.limit_bytes, js.used_bytes = limit, used
    assert await free_bytes(js, NAMES) == free
    assert js.calls == ["account"]  # the server was not asked by the creation of a stream
