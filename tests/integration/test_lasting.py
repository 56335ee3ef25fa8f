"""The client comes back wherever in its connecting it is cut."""

import asyncio
import random

import pytest
import uvloop

from headway.connection import Connection, NatsSettings
from tests.fixtures.proxy import run_proxy

CUTS = [*range(1, 16), 32, 100, 300, 330, 360, 400, 450, 500, 600, 800, 1000, 1500]
"""After so many bytes of the next connection: inside `INFO`, inside its JSON, around CONNECT, PONG and SUB."""


async def cut_everywhere(nats_server, direct, seed):
    rng = random.Random(seed)
    settings = NatsSettings(url=nats_server.url, direct_dispatch=direct)
    async with run_proxy(int(nats_server.url.rpartition(":")[2]), rng) as proxy:
        publisher = Connection(settings, "publisher")
        connection = Connection(NatsSettings(url=f"nats://127.0.0.1:{proxy.port}", direct_dispatch=direct), "cut")
        await publisher.open()
        await connection.open()
        connection.client.options["reconnect_time_wait"] = 0.01
        subject = f"cut.{seed}"
        arrived = asyncio.Event()

        async def on_message(_):
            arrived.set()

        await connection.client.subscribe(subject, cb=on_message)
        for count in CUTS:
            proxy.cut()
            await proxy.cut_after(count)
            arrived.clear()
            async with asyncio.timeout(10):
                while not arrived.is_set():
                    await publisher.client.publish(subject, b"x")
                    await asyncio.sleep(0.005)
        await connection.close()
        await publisher.close()


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "queued"])
@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_connection_cut_at_any_byte_of_its_beginning_is_made_anew(nats_server, loop_factory, direct):
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(cut_everywhere(nats_server, direct, 7 if direct else 8))
