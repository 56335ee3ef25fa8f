"""Direct dispatch on a real NATS."""

import asyncio

import pytest

from headway.eventlog.jetstream_log import JetStreamLog
from headway.eventlog.log import Live
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.inline_dispatch import DirectClient
from headway.jetstream.provision import ensure
from tests.fixtures.condition import until


@pytest.fixture(params=[True, False], ids=["direct", "queued"])
async def log(request, nats_server, names):
    settings = NatsSettings(url=nats_server.url, namespace=names.namespace, direct_dispatch=request.param)
    connection = Connection(settings, "test")
    await connection.open()
    assert isinstance(connection.client, DirectClient) == request.param
    await ensure(connection.client.jetstream(), names)
    made = JetStreamLog(connection.client, names)
    made.connection = connection
    yield made
    await connection.close()


async def test_live_messages_carry_their_place_in_the_log(log):
    seen = []
    subscription = await log.subscribe("t1", lambda *live: seen.append(Live(*live)))
    await log.connection.client.flush()
    last = 0
    for n in range(3):
        last = (await log.put("t1", b"%d" % n, expected=last, msg_id=f"m{n}")).seq
    await until(lambda: len(seen) == 3)
    assert [(m.seq, m.prev, m.payload) for m in seen] == [(1, 0, b"0"), (2, 1, b"1"), (3, 2, b"2")]
    await subscription.close()
    await log.put("t1", b"late", expected=last, msg_id="late")
    await log.connection.client.flush()
    assert len(seen) == 3


async def test_a_callback_that_fails_costs_only_its_message(log):
    seen = []

    def on_beat(payload):
        if payload == b"bad":
            raise RuntimeError("on purpose")
        seen.append(payload)

    await log.subscribe_beats("t1", on_beat)
    await log.connection.client.flush()
    for payload in (b"a", b"bad", b"b"):
        await log.beat("t1", payload)
    await until(lambda: seen == [b"a", b"b"])
    assert log.connection.connected


async def connected(nats_server, names, **settings):
    connection = Connection(NatsSettings(url=nats_server.url, namespace=names.namespace, **settings), "test")
    await connection.open()
    await ensure(connection.client.jetstream(), names)
    return connection


async def test_a_busy_connection_is_read_in_larger_pieces_and_loses_nothing(nats_server, names):
    """The same messages, one by one as fast as the server answers: fewer reads with pauses, in the same order."""
    reads = {}
    for pause_ms in (0.0, 50.0):
        reader = await connected(nats_server, names, read_pause_ms=pause_ms)
        writer = await connected(nats_server, names)
        parse, count, seen = reader.client._ps.parse, 0, []

        async def counted(data=b"", parse=parse):
            nonlocal count
            count += 1
            await parse(data)

        reader.client._ps.parse = counted
        await JetStreamLog(reader.client, names).subscribe("t1", lambda *live, seen=seen: seen.append(live[2]))
        await reader.client.flush()
        log, last = JetStreamLog(writer.client, names), await JetStreamLog(writer.client, names).last("t1")
        before = last.seq if last else 0
        for n in range(200):
            before = (await log.put("t1", b"%d" % n, expected=before, msg_id=f"{pause_ms}-{n}")).seq
        await until(lambda seen=seen: len(seen) == 200)
        assert seen == [b"%d" % n for n in range(200)]
        reads[pause_ms] = count
        await reader.close()
        await writer.close()
    assert reads[50.0] < reads[0.0] / 3


async def test_a_connection_that_ends_while_its_reading_pauses_comes_back(own_nats_server, names):
    connection = await connected(own_nats_server, names, read_pause_ms=200.0)
    try:
        log, seen, back = JetStreamLog(connection.client, names), [], asyncio.Event()
        connection.on_reconnect.append(back.set)
        await log.subscribe("t1", lambda *live: None)
        await log.subscribe_beats("t1", seen.append)
        last = 0
        for n in range(3):
            last = (await log.put("t1", b"x", expected=last, msg_id=f"m{n}")).seq
        own_nats_server.restart()
        async with asyncio.timeout(15):
            await back.wait()
        await log.beat("t1", b"after")
        await until(lambda: seen == [b"after"])
    finally:
        await connection.close()


async def test_subscriptions_outlive_a_restart_of_the_server(own_nats_server, names):
    connection = Connection(NatsSettings(url=own_nats_server.url, namespace=names.namespace), "test")
    await connection.open()
    try:
        await ensure(connection.client.jetstream(), names)
        log = JetStreamLog(connection.client, names)
        seen = []
        await log.subscribe_beats("t1", seen.append)
        back = asyncio.Event()
        connection.on_reconnect.append(back.set)
        own_nats_server.restart()
        async with asyncio.timeout(15):
            await back.wait()
        await connection.client.flush()
        await log.beat("t1", b"x")
        await until(lambda: len(seen) == 1)
    finally:
        await connection.close()
