"""The wiring of a streamer, without a connection."""

import socket

import httpx

from headway.jetstream.connection import Connection, NatsSettings
from headway_streamer.components import Components
from headway_streamer.settings import Settings


async def test_a_streamer_that_never_reached_nats_answers_and_is_not_ready():
    components = Components(Settings(), Connection(NatsSettings(), "test"))
    assert components.settings.name == socket.gethostname()
    for app, path, status in (
        (components.public_app(), "/", 200),
        (components.ops_app(lambda: True), "/readyz", 503),
        (components.ops_app(lambda: True), "/readyz?verbose", 503),
    ):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            assert (await client.get(path)).status_code == status
    await components.close()


async def test_a_reconnection_is_passed_to_those_that_may_have_lost_messages():
    components = Components(Settings(name="s1"), Connection(NatsSettings(), "test"))
    for callback in components.connection.on_reconnect:
        callback()
    assert components.monitor._asked.is_set()
    assert components.presence._asked.is_set()
    await components.close()
