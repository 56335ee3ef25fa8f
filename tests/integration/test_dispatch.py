"""Direct dispatch on a real NATS."""

import asyncio

import pytest

from headway.connection import Connection, NatsSettings
from headway.dispatch import DirectClient
from headway.log import NatsLog
from headway.objects import ensure


@pytest.fixture(params=[True, False], ids=["direct", "queued"])
async def log(request, nats_server, names):
    settings = NatsSettings(url=nats_server.url, namespace=names.namespace, direct_dispatch=request.param)
    connection = Connection(settings, "test")
    await connection.open()
    assert isinstance(connection.client, DirectClient) == request.param
    await ensure(connection.client.jetstream(), names)
    made = NatsLog(connection.client, names)
    made.connection = connection
    yield made
    await connection.close()


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_live_messages_carry_their_place_in_the_log(log):
    seen = []
    subscription = await log.subscribe("t1", seen.append)
    await log.connection.client.flush()
    last = 0
    for n in range(3):
        last = (await log.put("t1", b"%d" % n, expected=last, msg_id=f"m{n}")).seq
    await log.beat("t1", b"beat")
    await until(lambda: len(seen) == 4)
    assert [(m.seq, m.prev, m.payload) for m in seen] == [(1, 0, b"0"), (2, 1, b"1"), (3, 2, b"2"), (0, 0, b"beat")]
    await subscription.close()
    await log.put("t1", b"late", expected=last, msg_id="late")
    await log.connection.client.flush()
    assert len(seen) == 4


async def test_a_callback_that_fails_costs_only_its_message(log):
    seen = []

    def on_live(live):
        if live.payload == b"bad":
            raise RuntimeError("on purpose")
        seen.append(live.payload)

    await log.subscribe("t1", on_live)
    await log.connection.client.flush()
    for payload in (b"a", b"bad", b"b"):
        await log.beat("t1", payload)
    await until(lambda: seen == [b"a", b"b"])
    assert log.connection.connected


async def test_subscriptions_outlive_a_restart_of_the_server(own_nats_server, names):
    connection = Connection(NatsSettings(url=own_nats_server.url, namespace=names.namespace), "test")
    await connection.open()
    try:
        await ensure(connection.client.jetstream(), names)
        log = NatsLog(connection.client, names)
        seen = []
        await log.subscribe("t1", seen.append)
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
