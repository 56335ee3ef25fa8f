"""Parts of objects: in order, a few at a time, and read again from a replica that is behind."""

import asyncio

import pytest

from headway.errors import StoreFullError, UnavailableError
from headway.jetstream.object_store import ObjectInfo, ObjectStore, Parts
from tests.fixtures.condition import until
from tests.unit.jetstream.fakes import stored_in


class Store:
    """Takes parts when a test lets it."""

    def __init__(self):
        self.begun = []
        self.may = asyncio.Semaphore(0)
        self.errors = {}
        self.seqs = None

    async def put(self, place, part):
        self.begun.append(part)
        await self.may.acquire()
        if place in self.errors:
            raise self.errors[place]
        return self.seqs[place] if self.seqs else place + 1


@pytest.fixture
async def store():
    return Store()


async def test_a_writer_waits_while_as_many_parts_as_may_be_are_not_stored(store):
    parts = Parts(store.put, at_once=2)

    async def write():
        for number in range(5):
            await parts.write(b"%d" % number)
        await parts.finish()

    writing = asyncio.ensure_future(write())
    await until(lambda: len(store.begun) == 2)
    for _ in range(5):
        await asyncio.sleep(0)
    assert store.begun == [b"0", b"1"]
    for _ in range(5):
        store.may.release()
    await writing
    assert store.begun == [b"0", b"1", b"2", b"3", b"4"]
    assert parts.count == 5


async def test_what_a_part_raises_the_writer_raises_later(store):
    parts = Parts(store.put, at_once=2)
    store.errors[0] = StoreFullError("the stream")
    for _ in range(3):
        store.may.release()
    await parts.write(b"0")
    await parts.write(b"1")
    with pytest.raises(StoreFullError):
        await parts.write(b"2")
    await parts.abort()


async def test_parts_that_are_stored_in_another_order_are_no_object(store):
    parts = Parts(store.put, at_once=4)
    store.seqs = [7, 9, 8]
    for number in range(3):
        store.may.release()
        await parts.write(b"%d" % number)
    with pytest.raises(UnavailableError, match="order"):
        await parts.finish()
    await parts.abort()


async def test_an_abandoned_writer_waits_for_nothing(store):
    parts = Parts(store.put, at_once=4)
    await parts.write(b"0")
    await parts.abort()
    await parts.finish()


async def test_a_replica_that_is_behind_is_read_again(client, monkeypatch):
    monkeypatch.setattr("headway.jetstream.object_store.LATE_SECONDS", 0)
    stored_in(client)
    objects = ObjectStore(client, "b")
    info = ObjectInfo(name="o", bucket="b", nuid="n", size=2, chunks=2)
    client.js.published.append(("$O.b.C.n", b"1", {"Nats-Msg-Id": "n.0"}, None))
    read = [part async for part in objects.parts(info, tries=3)]
    assert read == [b"1"]
    found, reading = [], objects.parts(info, tries=3)
    async for part in reading:
        found.append(part)
        if len(found) == 1:
            client.js.published.append(("$O.b.C.n", b"2", {"Nats-Msg-Id": "n.1"}, None))
    assert found == [b"1", b"2"]


async def test_the_last_entry_is_asked_of_the_leader(client):
    objects = ObjectStore(client, "b")
    client.reply = {"message": {"seq": 3, "data": "e30="}}
    stored = await objects.last_entry("o")
    assert (stored.seq, stored.payload) == (3, b"{}")
    client.reply = {"error": {"code": 404, "err_code": 10037, "description": "no message found"}}
    assert await objects.last_entry("o") is None
    client.reply = {"error": {"code": 503, "err_code": 10008}}
    with pytest.raises(UnavailableError, match="entry of o"):
        await objects.last_entry("o")
