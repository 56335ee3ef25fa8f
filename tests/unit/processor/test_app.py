"""A processor on a connection in memory: when it is ready, and how it ends."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from headway.jetstream import provision
from headway.jetstream.connection import NatsSettings
from headway.kind import Registry
from headway.task import task
from headway_processor import app, ops
from headway_processor.app import Processor
from headway_processor.settings import Settings
from tests.unit.processor.fake_kv import FakeConnection

pytestmark = pytest.mark.looptime


class IdlePuller:
    """A queue without jobs."""

    waiting = 0

    def __init__(self, connection, config):
        self.config = config

    async def bind(self):
        pass

    async def next(self, count, wait_seconds):
        await asyncio.sleep(wait_seconds)
        return []

    async def pending(self):
        return 0

    async def close(self):
        pass


@pytest.fixture
def routes(monkeypatch):
    served = {}

    @asynccontextmanager
    async def serve(host, port, routes):
        served.update(routes)
        yield 9001

    monkeypatch.setattr(ops, "serve", serve)
    return served


@pytest.fixture
def processor(monkeypatch, routes):
    async def ensure_patiently(*parts):
        pass

    monkeypatch.setattr(app, "Connection", FakeConnection)
    monkeypatch.setattr(app, "Puller", IdlePuller)
    monkeypatch.setattr(app.TaskRemover, "keep_removed", lambda _: asyncio.sleep(1e9))
    monkeypatch.setattr(app.FileRemover, "keep_removed", lambda _: asyncio.sleep(1e9))
    monkeypatch.setattr(app.ScheduledJobs, "keep_queued", lambda _: asyncio.sleep(1e9))
    monkeypatch.setattr(app.LostReports, "keep_ended", lambda _: asyncio.sleep(1e9))
    monkeypatch.setattr(app.UnknownKinds, "keep_ended", lambda _: asyncio.sleep(1e9))
    monkeypatch.setattr(app, "JetStreamLog", lambda *parts: None)
    monkeypatch.setattr(app, "JetStreamDeadLetters", lambda *parts: None)
    monkeypatch.setattr(provision, "ensure_patiently", ensure_patiently)
    monkeypatch.setattr(provision, "report_other_ages", ensure_patiently)
    kinds = Registry()
    task("k", registry=kinds)(lambda job: None)
    return Processor(Settings(), NatsSettings(), kinds)


async def test_it_is_ready_when_its_kinds_are_published_and_bound_until_it_stops(processor, routes):
    assert not processor.ready
    running = asyncio.create_task(processor.run())
    await asyncio.sleep(5)
    assert (processor.ready, processor.ops_port) == (True, 9001)
    assert routes["/readyz"]("").status == 200
    processor._connection.connected = False  # all replicas share it
    assert processor.ready
    processor.stop()
    assert routes["/readyz"]("").status == 503
    assert await running is True
    assert not processor._connection.opened


async def test_its_pages_say_how_it_is(processor, routes):
    running = asyncio.create_task(processor.run())
    await asyncio.sleep(5)
    assert routes["/livez"]("").body == b"alive\n"
    assert routes["/readyz"]("verbose").body.decode().splitlines() == [
        "nats connected: yes",
        "kinds bound: 1 of 1",
        "stopping: no",
        "jobs: 0",
        "handlers that did not stop: 0",
    ]
    assert b"headway_nats_connected" in routes["/metrics"]("").body
    processor.stop()
    await running


async def test_a_connection_that_is_closed_permanently_ends_it(processor):
    running = asyncio.create_task(processor.run())
    await asyncio.sleep(5)
    processor._connection.closed.set()
    assert await running is False


async def test_it_stops_while_it_waits_for_nats(processor, monkeypatch):
    async def wait(*parts):
        await asyncio.Event().wait()

    monkeypatch.setattr(provision, "ensure_patiently", wait)
    running = asyncio.create_task(processor.run())
    await asyncio.sleep(5)
    assert not processor.ready
    processor.stop()
    assert await running is True
