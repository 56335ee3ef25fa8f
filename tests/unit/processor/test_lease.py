"""The lease of a processor is renewed while it lives and deleted when it ends."""

import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest

from headway.records import ProcessorRecord
from headway_processor.lease import RENEW_SECONDS, keep_renewed
from tests.unit.processor.fake_kv import FakeConnection

pytestmark = pytest.mark.looptime


@pytest.fixture
def connection():
    return FakeConnection()


class Described:
    """A processor that runs one task more at each renewal."""

    def __init__(self):
        self.running = 0

    def __call__(self):
        self.running += 1
        return ProcessorRecord(kinds=["a", "b"], running=self.running)


@asynccontextmanager
async def renewing(connection):
    renewing = asyncio.create_task(keep_renewed(connection, Described()))
    await asyncio.sleep(0.1)
    yield
    renewing.cancel()
    await asyncio.wait({renewing})


def bucket(connection):
    return connection.buckets[connection.names.processors_bucket]


async def test_the_lease_names_the_kinds_and_is_renewed(connection):
    async with renewing(connection):
        (value,) = bucket(connection).values.values()
        assert msgspec.json.decode(value, type=ProcessorRecord).kinds == ["a", "b"]
        await asyncio.sleep(2 * RENEW_SECONDS)
        assert len(bucket(connection).written) == 3
        (value,) = bucket(connection).values.values()
        assert msgspec.json.decode(value, type=ProcessorRecord).running == 3


async def test_a_reconnection_renews_it_at_once(connection):
    async with renewing(connection):
        for callback in connection.on_reconnect:
            callback()
        await asyncio.sleep(0.1)
        assert len(bucket(connection).written) == 2


async def test_a_renewal_that_fails_is_logged_and_repeated(connection, caplog):
    async with renewing(connection):
        connection.connected = False
        await asyncio.sleep(RENEW_SECONDS)
        assert [record.action for record in caplog.records] == ["lease_refused"]
        connection.connected = True
        await asyncio.sleep(RENEW_SECONDS)
        assert len(bucket(connection).written) == 2


async def test_it_is_deleted_at_the_end(connection):
    async with renewing(connection):
        pass
    assert (bucket(connection).values, connection.on_reconnect) == ({}, [])


async def test_without_a_connection_it_is_left_to_expire(connection):
    async with renewing(connection):
        connection.connected = False
    assert len(bucket(connection).values) == 1
