"""A streamer that was restarted serves nothing before it knows which log it reads."""

import asyncio
import shutil

from headway.eventlog.chain import Chain, read_head
from headway.testing import progress
from tests.fixtures.condition import holds
from tests.fixtures.http import run_streamer
from tests.fixtures.sse import Reader

NAMESPACE = "hw"


async def write(streamer, task, *events):
    chain = Chain(streamer.components.log, task, await read_head(streamer.components.log, task), attempt=1)
    for event in events:
        await chain.append(event)


async def read_to(streamer, reader, n):
    await reader.read(f"{streamer.url}/api/v1/tasks/t1/stream?merge=0", until=lambda _, data: data.get("n") == n)


async def test_clients_that_wait_for_a_restarted_streamer_resume_without_a_reset(own_nats_server):
    server, reader = own_nats_server, None
    async with run_streamer(server.url, NAMESPACE) as streamer:
        await write(streamer, "t1", *(progress("processing", float(n)) for n in range(5)))
        reader = Reader(streamer.http)
        await read_to(streamer, reader, 3)
    cursor = reader.cursor
    server.kill()
    async with run_streamer(server.url, NAMESPACE, wait=False) as streamer:
        early = Reader(streamer.http)
        early.cursor = cursor
        assert not await early.read(f"{streamer.url}/api/v1/tasks/t1/stream")
        assert [event for event, _ in early.events] == ["goodbye"]
        assert early.cursor == cursor
        snapshot = await streamer.http.get("/api/v1/tasks/t1")
        assert snapshot.status_code == 503
        server.start()
        assert await holds(lambda: streamer.components.monitor.ready, 20)
        await read_to(streamer, early, 5)
        assert early.numbers == [4, 5]
        assert "reset" not in [event for event, _ in early.events]


async def test_a_store_that_was_lost_resets_the_watchers_at_the_reconnection(own_nats_server, tmp_path):
    server = own_nats_server
    async with run_streamer(server.url, NAMESPACE) as streamer:
        await write(streamer, "t1", progress("processing"), progress("processing", 1.0))
        before = streamer.components.decoder.incarnation
        reader = Reader(streamer.http)
        reading = asyncio.create_task(
            reader.read(f"{streamer.url}/api/v1/tasks/t1/stream", until=lambda name, _: name == "reset")
        )
        assert await holds(lambda: reader.numbers == [2] or reader.numbers == [1, 2], 10)
        server.kill()
        shutil.rmtree(tmp_path / "store")
        server.start()
        async with asyncio.timeout(12):  # sooner than the stream is looked at without a reconnection
            assert await reading
        assert reader.events[-1][1] == {"task": "t1", "reason": "incarnation"}
        assert streamer.components.decoder.incarnation != before
