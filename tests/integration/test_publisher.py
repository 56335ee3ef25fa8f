"""How a real server refuses to store, and what that is called here."""

import asyncio

import pytest
from nats.js.api import DiscardPolicy, StreamConfig

from headway.errors import AlreadyStoredError, ConflictError, StoreFullError, TooLargeError
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.publisher import FRAME_BYTES, Publisher
from tests.fixtures.nats import run_nats

CONFIG = "max_payload: 100KB\njetstream { max_file_store: 2MB }"
LIMIT = 100 * 1024 - FRAME_BYTES


@pytest.fixture
async def server(tmp_path):
    with run_nats(tmp_path, CONFIG) as server:
        connection = Connection(NatsSettings(url=server.url), "test")
        await connection.open()
        yield connection
        await connection.close()


async def test_each_refusal_of_the_server_has_its_own_error(server):
    js, publisher = server.client.jetstream(), Publisher(server.client, timeout_seconds=2)
    new = {"discard": DiscardPolicy.NEW}
    await js.add_stream(StreamConfig("BYTES", subjects=["bytes.*"], max_bytes=100_000, **new))
    await js.add_stream(StreamConfig("COUNT", subjects=["count.*"], max_msgs=1, **new))
    one = {"max_msgs_per_subject": 1, "discard_new_per_subject": True}
    await js.add_stream(StreamConfig("ONE", subjects=["one.*"], **one, **new))
    await js.add_stream(StreamConfig("ALL", subjects=["all.*"], max_msg_size=90_000))

    async def store(subject, size=60_000, **options):
        return await publisher.store("it", subject, b"x" * size, **options)

    for subject, error in (("bytes.a", StoreFullError), ("count.a", StoreFullError), ("one.a", AlreadyStoredError)):
        await store(subject)
        with pytest.raises(error):
            await store(subject)
    assert (await store("all.a", expected=0)).seq == 1
    with pytest.raises(ConflictError) as conflict:
        await store("all.a", expected=0)
    assert (conflict.value.task, conflict.value.expected) == ("a", 0)
    with pytest.raises(TooLargeError):
        await store("all.a", 95_000)
    with pytest.raises(StoreFullError, match="JetStream store"):
        await asyncio.gather(*(store("all.b") for _ in range(40)))


async def test_a_message_over_the_servers_limit_is_not_sent(server):
    """The server would close the connection, and nats-py would not open it again."""
    publisher = Publisher(server.client, timeout_seconds=2)
    await server.client.jetstream().add_stream(StreamConfig("ALL", subjects=["all.*"]))
    await publisher.store("it", "all.a", b"x" * LIMIT)
    with pytest.raises(TooLargeError) as large:
        await publisher.store("it", "all.a", b"x" * (LIMIT - 10), msg_id="i" * 60)
    assert large.value.limit_bytes == 100 * 1024
    assert server.connected
