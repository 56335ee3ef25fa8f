"""The ops port of a streamer: what a probe is answered, whatever NATS does."""

import re
from contextlib import asynccontextmanager

import httpx

from tests.fixtures.condition import holds
from tests.fixtures.http import run_streamer


@asynccontextmanager
async def ops_of(streamer, *, listening=True):
    """A client of the ops port."""
    transport = httpx.ASGITransport(streamer.components.ops_app(lambda: listening))
    async with httpx.AsyncClient(transport=transport, base_url="http://10.1.2.3") as client:
        yield client


async def readiness(ops):
    reply = await ops.get("/readyz")
    return reply.status_code, reply.text


async def test_readiness_and_liveness_stay_while_nats_is_unreachable(own_nats_server, names):
    async with run_streamer(own_nats_server.url, names.namespace) as streamer, ops_of(streamer) as ops:
        assert await readiness(ops) == (200, "ok\n")
        own_nats_server.kill()
        assert await holds(lambda: not streamer.components.connection.connected, 5)
        assert await readiness(ops) == (200, "ok\n")
        assert (await ops.get("/livez")).status_code == 200
        assert 'headway_nats_connected{service="streamer"} 0.0' in (await ops.get("/metrics")).text
        details = await ops.get("/readyz?verbose")
        assert details.status_code == 200
        since = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        pattern = rf"nats connected: no, since {since}\nprepared: yes\ndraining: no\nstreams: 0\n"
        assert re.fullmatch(pattern, details.text)


async def test_a_streamer_that_starts_without_nats_is_not_ready_and_lives(own_nats_server, names):
    own_nats_server.kill()
    async with run_streamer(own_nats_server.url, names.namespace, wait=False) as streamer, ops_of(streamer) as ops:
        assert await readiness(ops) == (503, "preparing: no connection to NATS yet\n")
        assert (await ops.get("/livez")).status_code == 200
        details = await ops.get("/readyz?verbose")
        assert (details.status_code, details.text.splitlines()[1]) == (503, "prepared: no")
        own_nats_server.start()
        assert await holds(lambda: streamer.components.monitor.ready, 10)
        assert await readiness(ops) == (200, "ok\n")


async def test_a_streamer_that_drains_or_does_not_listen_is_not_ready(nats_server, names):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        async with ops_of(streamer, listening=False) as ops:
            assert (await readiness(ops))[0] == 503
        async with ops_of(streamer) as ops:
            streamer.components.drain.begin()
            assert await readiness(ops) == (503, "draining\n")
