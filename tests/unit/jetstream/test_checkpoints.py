"""Checkpoints in the object store: in parts, by number, and apart from those that another attempt writes between."""

import os

import pytest
from nats.js.api import PubAck

from headway.checkpoint import MAX_STATE_BYTES, Checkpoint, pack
from headway.errors import DamagedError, TooLargeError, UnavailableError
from headway.jetstream.checkpoints import CheckpointStore
from headway.jetstream.object_store import CHUNK_BYTES
from headway.subjects import Names
from tests.unit.jetstream.fakes import stored_in

NAMES = Names("hw")
SUBJECT = "$O.hw_results.C.checkpoint-t1"


@pytest.fixture
def store(client):
    stored_in(client)
    real = client.js.publish

    async def publish(*args, **options):
        await real(*args, **options)
        return PubAck(stream="S", seq=len(client.js.published))

    client.js.publish = publish
    return CheckpointStore(client, NAMES)


def checkpoint(size=10):
    return Checkpoint(state=os.urandom(size), done=3)  # random: compression makes it no smaller


@pytest.mark.parametrize("size", [0, 10, 3 * CHUNK_BYTES])
async def test_what_was_stored_is_read(client, store, size):
    saved = checkpoint(size)
    seq = await store.put("t1", pack(saved))
    found = await store.get("t1", seq)
    assert (found.seq, found.checkpoint, found.size) == (seq, saved, len(pack(saved)))
    assert {subject for subject, *_ in client.js.published} == {SUBJECT}
    assert all(len(payload) <= CHUNK_BYTES for _, payload, _, _ in client.js.published)


async def test_parts_of_another_attempt_in_between_are_left_out(client, store):
    mine, other = checkpoint(CHUNK_BYTES), checkpoint(CHUNK_BYTES)
    await store.put("t1", pack(mine))
    first = client.js.published[:]
    await store.put("t1", pack(other))
    second = client.js.published[len(first) :]
    client.js.published[:] = [message for pair in zip(first, second, strict=True) for message in pair]
    assert (await store.get("t1", 1)).checkpoint == mine
    assert (await store.get("t1", 2)).checkpoint == other


@pytest.mark.parametrize("seq", [2, 3, 99])
async def test_number_that_is_none_of_a_checkpoint_is_refused(store, seq):
    await store.put("t1", pack(checkpoint()))
    with pytest.raises(DamagedError):
        await store.get("t1", seq)


async def test_checkpoint_without_all_its_parts_is_refused(client, store):
    seq = await store.put("t1", pack(checkpoint(2 * CHUNK_BYTES)))
    del client.js.published[-1]
    with pytest.raises(DamagedError, match="missing or damaged"):
        await store.get("t1", seq)


async def test_whole_parts_of_what_is_no_checkpoint_are_refused(store):
    seq = await store.put("t1", b"third party")
    with pytest.raises(DamagedError, match="cannot be read"):
        await store.get("t1", seq)


async def test_what_is_too_large_is_refused_before_it_is_sent(client, store):
    with pytest.raises(TooLargeError):
        await store.put("t1", bytes(MAX_STATE_BYTES + 1))
    assert client.js.published == []


async def test_unreachable_server_is_reported(client, store):
    client.js.failing = [TimeoutError()]
    with pytest.raises(UnavailableError):
        await store.put("t1", b"")


async def test_removal_is_of_this_task_alone(client, store):
    purged = []

    async def purge_stream(stream, *, subject, seq):
        purged.append((stream, subject, seq))

    client.js.purge_stream = purge_stream
    await store.drop_before("t1", 7)
    await store.remove("t1")
    assert purged == [("OBJ_hw_results", SUBJECT, 7), ("OBJ_hw_results", SUBJECT, None)]
