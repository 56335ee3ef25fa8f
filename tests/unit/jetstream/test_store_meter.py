"""How full a store is: where its size is from, the limits of its streams, and failures."""

import asyncio
import logging

import nats.errors
import pytest
from nats.js.api import StreamConfig

from headway.errors import UnavailableError
from headway.jetstream.capacity import MOST_BYTES
from headway.jetstream.store_meter import RESIZE_SECONDS, JetStreamStoreMeter, Usage
from headway.subjects import Names

pytestmark = pytest.mark.looptime

NAMES = Names("hw")
STREAMS = {"jobs": NAMES.jobs_stream, "records": f"KV_{NAMES.tasks_bucket}", "events": NAMES.events_stream}
MB = 1024 * 1024


@pytest.fixture
def js(client):
    """The streams of a namespace, without limits, on a server that does not reveal its space."""
    for stream in STREAMS.values():
        limit(client.js, stream)
    client.js.free_bytes = MOST_BYTES
    client.reply = {"storage": MB}
    return client.js


def limit(js, stream, **limits):
    js.streams[stream] = StreamConfig(name=stream, subjects=[f"{stream}.*"], **limits)


async def store(meter):
    """The measured usage of the store; None when its size is unknown."""
    return next((usage for usage in await meter.measure() if usage.name == "store"), None)


def probes(js):
    """How many times the server was asked for its free space, in streams that it refused to create."""
    return js.calls.count(f"add {NAMES.probe_stream}")


@pytest.mark.parametrize(
    ("setting", "account", "free", "expected"),
    [
        (5 * MB, 8 * MB, 40 * MB, 5 * MB),
        (0, 8 * MB, 40 * MB, 8 * MB),
        (0, -1, 40 * MB, 40 * MB),
        (0, 0, 40 * MB, 40 * MB),
        (0, None, 40 * MB, 40 * MB),
        (5 * MB, None, MOST_BYTES, 5 * MB),
        (0, None, MOST_BYTES, None),
    ],
)
async def test_size_is_the_setting_or_the_accounts_limit_or_what_the_server_has(
    client, js, setting, account, free, expected
):
    js.free_bytes = free
    client.reply = {"storage": MB} | ({} if account is None else {"limits": {"max_storage": account}})
    usage = await store(JetStreamStoreMeter(client, NAMES, store_bytes=setting))
    if expected is None:
        assert usage is None
    else:
        assert (usage.used, usage.unit) == (MB, "bytes")
        assert usage.limit == pytest.approx(expected, rel=0.01)
        assert usage.share == pytest.approx(MB / expected, rel=0.01)


async def test_server_is_asked_for_its_space_only_when_nothing_else_limits_the_store(client, js):
    js.free_bytes = 40 * MB
    await JetStreamStoreMeter(client, NAMES, store_bytes=MB).measure()
    client.reply = {"storage": 0, "limits": {"max_storage": MB}}
    await JetStreamStoreMeter(client, NAMES).measure()
    assert probes(js) == 0


async def test_space_that_streams_have_reserved_belongs_to_the_size(client, js):
    js.free_bytes = 30 * MB
    client.reply = {"storage": MB, "reserved_storage": 10 * MB}
    assert (await store(JetStreamStoreMeter(client, NAMES))).limit == pytest.approx(40 * MB, rel=0.01)


async def test_reserved_space_alone_is_not_a_size(client, js):
    client.reply = {"storage": MB, "reserved_storage": 10 * MB}
    assert await store(JetStreamStoreMeter(client, NAMES)) is None


async def test_size_of_the_server_is_measured_again_after_ten_minutes(client, js):
    meter = JetStreamStoreMeter(client, NAMES)
    js.free_bytes = 40 * MB
    before = await store(meter)
    asked = probes(js)
    js.free_bytes = 80 * MB  # the volume has grown
    await asyncio.sleep(RESIZE_SECONDS - 1)
    assert await store(meter) == before
    assert probes(js) == asked
    await asyncio.sleep(1)
    assert (await store(meter)).limit == pytest.approx(80 * MB, rel=0.01)


async def test_server_that_forbids_the_question_is_not_asked_again_for_ten_minutes(client, js, monkeypatch, caplog):
    async def forbidden(config):
        js.calls.append(f"add {config.name}")
        raise TimeoutError  # a request without permission is not answered

    caplog.set_level(logging.INFO)
    monkeypatch.setattr(js, "add_stream", forbidden)
    limit(js, STREAMS["jobs"], max_msgs=10)
    meter = JetStreamStoreMeter(client, NAMES)
    for _ in range(3):
        assert [usage.name for usage in await meter.measure()] == ["jobs_count"]
    assert probes(js) == 1
    assert [record.action for record in caplog.records] == ["store_size"]


async def test_size_that_cannot_be_measured_again_stays_as_it_was(client, js, monkeypatch):
    meter = JetStreamStoreMeter(client, NAMES)
    js.free_bytes = 40 * MB
    before = await store(meter)

    async def unanswered(config):
        raise TimeoutError

    monkeypatch.setattr(js, "add_stream", unanswered)
    await asyncio.sleep(RESIZE_SECONDS)
    assert await store(meter) == before


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, []),
        ({"max_bytes": -1, "max_msgs": -1}, []),
        ({"max_bytes": 0, "max_msgs": 0}, []),
        ({"max_bytes": 1000}, [("", 250, 1000, "bytes")]),
        ({"max_msgs": 8}, [("_count", 2, 8, "messages")]),
        ({"max_bytes": 1000, "max_msgs": 8}, [("", 250, 1000, "bytes"), ("_count", 2, 8, "messages")]),
    ],
)
@pytest.mark.parametrize("name", STREAMS)
async def test_stream_is_measured_by_each_limit_that_it_has(client, js, name, limits, expected):
    limit(js, STREAMS[name], **limits)
    js.states[STREAMS[name]] = {"bytes": 250, "messages": 2}
    usages = await JetStreamStoreMeter(client, NAMES).measure()
    assert usages == [Usage(name + suffix, *rest) for suffix, *rest in expected]
    assert all(usage.share == 0.25 for usage in usages)


@pytest.mark.parametrize(
    "reply",
    [TimeoutError(), nats.errors.NoRespondersError(), nats.errors.ConnectionClosedError(), b"<html>", b"[]", b""],
    ids=repr,
)
async def test_account_that_cannot_be_read_is_unavailable(client, js, reply):
    client.reply = reply
    with pytest.raises(UnavailableError, match=r"\$JS.API.INFO"):
        await JetStreamStoreMeter(client, NAMES).measure()


@pytest.mark.parametrize("name", STREAMS)
async def test_stream_that_is_missing_is_unavailable(client, js, name):
    del js.streams[STREAMS[name]]
    with pytest.raises(UnavailableError, match="measure the store"):
        await JetStreamStoreMeter(client, NAMES).measure()


@pytest.mark.parametrize("connected", [True, False])
def test_meter_is_connected_when_its_client_is(client, connected):
    client.is_connected = connected
    assert JetStreamStoreMeter(client, NAMES).connected is connected
