"""The client comes back wherever it is cut."""

import asyncio
import random
from contextlib import AsyncExitStack

import pytest
import uvloop

from headway.jetstream.connection import Connection, NatsSettings
from tests.fixtures.condition import holds
from tests.fixtures.proxy import run_proxy

CUTS = [*range(1, 16), 32, 100, 300, 330, 360, 400, 450, 500, 600, 800, 1000, 1500]
"""After so many bytes of the next connection: inside `INFO`, inside its JSON, around CONNECT, PONG and SUB."""


class Line:
    """A subscriber behind a proxy, and a publisher."""

    def __init__(self, proxy, publisher):
        self.proxy = proxy
        self.reconnections = 0
        self._publisher = publisher
        self._arrived = asyncio.Event()

    async def open(self, connection):
        connection.on_reconnect.append(self._on_reconnect)
        connection.client.options["reconnect_time_wait"] = 0.01
        await connection.client.subscribe("cut", cb=self._on_message)

    async def works(self, condition=lambda: True):
        """Return when messages arrive and `condition` holds."""
        async with asyncio.timeout(10):
            while True:
                self._arrived.clear()
                await self._publisher.client.publish("cut", b"x")
                await asyncio.sleep(0.005)
                if self._arrived.is_set() and condition():
                    return

    def _on_reconnect(self):
        self.reconnections += 1

    async def _on_message(self, _):
        self._arrived.set()


async def run(nats_server, direct, test):
    async with AsyncExitStack() as stack:
        port = int(nats_server.url.rpartition(":")[2])
        proxy = await stack.enter_async_context(run_proxy(port, random.Random(7)))
        urls = nats_server.url, f"nats://127.0.0.1:{proxy.port}"
        connections = [Connection(NatsSettings(url=url, direct_dispatch=direct), "test") for url in urls]
        for connection in connections:
            await connection.open()
            stack.push_async_callback(connection.close)
        line = Line(proxy, connections[0])
        await line.open(connections[1])
        await test(line)


async def cut_everywhere(line):
    for count in CUTS:
        line.proxy.cut()
        cut = asyncio.ensure_future(line.proxy.cut_after(count))
        await line.works(cut.done)


async def garble(line):
    await line.works()
    for link in line.proxy.links:
        link.writers[0].write(b"INFO {\r\n")
    await line.works(lambda: line.reconnections == 1)


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "queued"])
@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("test", [cut_everywhere, garble])
def test_a_connection_is_recreated_whatever_breaks(nats_server, test, loop_factory, direct):
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run(nats_server, direct, test))


async def open_cut_everywhere(url):
    """Connections whose first try is cut after some bytes, while they are used already; all of them at once."""
    port = int(url.rpartition(":")[2])

    async def open_cut(count, stack):
        proxy = await stack.enter_async_context(run_proxy(port, random.Random(count)))
        proxy.hold()
        connection = Connection(NatsSettings(url=f"nats://127.0.0.1:{proxy.port}"), "test")
        stack.push_async_callback(connection.close)
        opening = asyncio.ensure_future(connection.open())
        assert await holds(lambda: proxy.links, 10)
        await connection.client.subscribe("early")
        cut = asyncio.ensure_future(proxy.cut_after(count))
        proxy.heal()
        await opening
        assert await holds(lambda: connection.connected, 10)
        cut.cancel()
        return proxy.cuts

    async with AsyncExitStack() as stack, asyncio.timeout(20):
        return await asyncio.gather(*(open_cut(count, stack) for count in CUTS))


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_the_first_connection_is_tried_again_whatever_breaks(nats_server, loop_factory):
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        cuts = runner.run(open_cut_everywhere(nats_server.url))
    assert sum(cuts) > len(CUTS) / 2
