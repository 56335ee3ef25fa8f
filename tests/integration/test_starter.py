"""A starter's absence as the processor's real connection to NATS shows it."""

import asyncio
from contextlib import suppress

from headway import codec
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import Beat
from headway.jetstream import provision
from headway.jetstream.connection import Connection, NatsSettings
from headway_processor.attempts.starter import Starter
from tests.fixtures.condition import holds

GRACE = 0.4


async def opened(nats_server, names):
    connection = Connection(NatsSettings(url=nats_server.url, namespace=names.namespace), "test")
    await connection.open()
    return connection


async def keep_present(connection, names):
    """What a streamer does with the starter's stream."""
    log = JetStreamLog(connection.client, names)
    while True:
        if connection.connected:
            await log.beat("t1", codec.encode_json(Beat(task="t1", presence=True)))
        await asyncio.sleep(GRACE / 8)


async def test_an_outage_of_nats_longer_than_the_grace_is_no_absence(own_nats_server, names):
    processor, streamer = [await opened(own_nats_server, names) for _ in range(2)]
    await provision.ensure(processor.client.jetstream(), names)
    log = JetStreamLog(processor.client, names, timeout_seconds=0.5)
    back = asyncio.Event()
    processor.on_reconnect.append(back.set)
    time = asyncio.get_running_loop().time
    async with Starter(
        log, "t1", GRACE, connected=lambda: processor.connected, on_reconnect=processor.on_reconnect
    ) as starter:
        gone = asyncio.create_task(starter.gone())
        beating = asyncio.create_task(keep_present(streamer, names))
        await asyncio.wait_for(starter.heard.wait(), 5)
        own_nats_server.kill()
        over = time() + 3 * GRACE
        assert await holds(lambda: time() > over, 5)
        assert not gone.done()
        own_nats_server.start()
        await asyncio.wait_for(back.wait(), 10)
        starter.heard.clear()
        await asyncio.wait_for(starter.heard.wait(), 10)
        assert not gone.done()
        beating.cancel()
        left_at = time()
        await asyncio.wait_for(gone, 5)
        assert time() - left_at > GRACE / 2
    with suppress(asyncio.CancelledError):
        await beating
    await processor.close()
    await streamer.close()
