"""The kinds of a processor are published until they are stored, and kept stored."""

import asyncio

import pytest

from headway.errors import TooLargeError
from headway.kind import Registry
from headway.task import task
from headway_processor import kinds_publisher
from headway_processor.kinds_publisher import CHECK_SECONDS, keep_published, publish
from tests.unit.processor.fake_kv import FakeConnection

pytestmark = pytest.mark.looptime


@pytest.fixture
def connection():
    return FakeConnection()


@pytest.fixture
def records():
    registry = Registry()
    task("a", registry=registry)(lambda job: None)
    task("b", registry=registry)(lambda job: None)
    return [kind.record() for kind in registry]


def bucket(connection):
    return connection.buckets[connection.names.kinds_bucket]


async def test_only_what_is_missing_or_differs_is_written(connection, records):
    assert await publish(connection, connection.names, records) == 2
    assert await publish(connection, connection.names, records) == 0
    bucket(connection).values["a"] = b"{}"
    assert await publish(connection, connection.names, records) == 1
    assert bucket(connection).written == ["a", "b", "a"]


async def test_it_is_repeated_until_it_succeeds_and_checked_later(connection, records):
    connection.connected, published = False, asyncio.Event()
    keeping = asyncio.create_task(keep_published(connection, connection.names, records, published))
    await asyncio.sleep(10)
    assert not published.is_set()
    connection.connected = True
    await asyncio.sleep(5)
    assert published.is_set()
    bucket(connection).values.clear()
    await asyncio.sleep(CHECK_SECONDS)
    keeping.cancel()
    assert set(bucket(connection).values) == {"a", "b"}


async def test_a_kind_that_can_never_be_stored_does_not_block(connection, records, monkeypatch):
    async def refuse(*parts):
        raise TooLargeError("publish the kinds")

    monkeypatch.setattr(kinds_publisher, "publish", refuse)
    published = asyncio.Event()
    keeping = asyncio.create_task(keep_published(connection, connection.names, records, published))
    await asyncio.sleep(1)
    keeping.cancel()
    assert published.is_set()
