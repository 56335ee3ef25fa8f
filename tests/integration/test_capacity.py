"""What a server says of the space that it has."""

import pytest
from nats.js.api import StreamConfig

from headway.errors import UnavailableError
from headway.jetstream import provision
from headway.jetstream.capacity import free_bytes
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.store_meter import JetStreamStoreMeter
from headway.subjects import Names
from tests.fixtures.nats import run_nats

NAMES = Names("hw")
MB = 1024 * 1024
CONFIG = """
jetstream { max_file_store: 40MB }
accounts {
  FREE { jetstream: enabled, users: [{ user: free, password: x }] }
  LIMITED { jetstream { max_file: 8MB }, users: [{ user: limited, password: x }] }
}
"""


@pytest.fixture
def server(tmp_path):
    with run_nats(tmp_path, CONFIG) as server:
        yield server


@pytest.fixture
async def open_as(server):
    opened = []

    async def connect(user):
        connection = Connection(NatsSettings(url=server.url, user=user, password="x", max_jobs_bytes=0), "test")
        opened.append(connection)
        await connection.open()
        return connection

    yield connect
    for connection in opened:
        await connection.close()


async def measured(connection, store_bytes=0):
    meter = JetStreamStoreMeter(connection.client, NAMES, store_bytes=store_bytes)
    return next(usage.limit for usage in await meter.measure() if usage.name == "store")


async def test_the_size_of_the_store_is_the_setting_the_accounts_limit_or_what_the_server_has(open_as):
    free = await open_as("free")
    js = free.client.jetstream()
    with pytest.raises(UnavailableError, match="missing"):
        await free_bytes(js, NAMES)
    await provision.ensure(js, NAMES, free.settings)
    assert 0.98 * 40 * MB < await free_bytes(js, NAMES) <= 40 * MB
    assert 0.98 * 40 * MB < await measured(free) <= 40 * MB
    assert await measured(free, store_bytes=5 * MB) == 5 * MB
    # Asking makes no stream, also not while the stream of events is missing.
    assert NAMES.probe_stream not in {info.config.name for info in await js.streams_info()}
    limited = await open_as("limited")
    await provision.ensure(limited.client.jetstream(), NAMES, limited.settings)
    assert await measured(limited) == 8 * MB


async def test_a_server_whose_space_is_reserved_by_others_leaves_the_stream_of_jobs_unbounded(open_as):
    connection = await open_as("free")
    js = connection.client.jetstream()
    await js.add_stream(StreamConfig("OTHER", subjects=["other"], max_bytes=40 * MB - 10))
    await provision.ensure(js, NAMES, NatsSettings())
    assert await free_bytes(js, NAMES) <= 10
    assert (await js.stream_info(NAMES.jobs_stream)).config.max_bytes == -1
