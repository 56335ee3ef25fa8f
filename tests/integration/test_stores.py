"""The stores in JetStream, and the doubles of `headway.testing` by the same rules."""

import os
import time

import pytest

from headway.jetstream.job_queue import JetStreamJobQueue
from headway.jetstream.kv import Bucket
from headway.jetstream.results import CHUNK_BYTES, ResultStore
from headway.jetstream.store_meter import JetStreamStoreMeter
from headway.records import JobMessage
from headway.testing import MemoryBucket, MemoryJobQueue, MemoryResults
from tests.fixtures.condition import until


@pytest.fixture(params=["jetstream", "memory"])
def kind(request):
    return request.param


async def test_a_bucket_keeps_the_first_value_of_a_key_and_has_pages_by_sequence(kind, connection, names):
    bucket = MemoryBucket() if kind == "memory" else Bucket(connection.client, names.tasks_bucket)
    assert await bucket.newest_before(0) == ([], 1, 0.0)
    created = [await bucket.create(key, key.encode()) for key in ("a", "b", "a")]
    assert (created, await bucket.get("a"), await bucket.get("absent")) == ([True, True, False], b"a", None)
    for n in range(74):
        await bucket.create(f"k{n}", b"%d" % n)
    page, before, stored = await bucket.newest_before(0)
    rest, start, earlier = await bucket.newest_before(before)
    assert time.time() - 60 < earlier <= stored < time.time() + 60
    if kind == "jetstream":
        assert await bucket.seq_after(time.time() - 60) == 1
        assert await bucket.seq_after(time.time() + 60) == 0
    assert (len(page), page[-1].value, len(rest), rest[0].value, start) == (64, b"73", 12, b"a", 1)
    assert len(await bucket.all()) == 76


async def test_a_bucket_is_read_on_from_a_sequence_and_its_keys_may_expire(kind, connection, names):
    bucket = MemoryBucket() if kind == "memory" else Bucket(connection.client, names.revocations_bucket)
    assert await bucket.page(1) == []
    assert await bucket.create("short", b"1", life_seconds=1)
    for n in range(250):
        await bucket.create(f"k{n}", b"%d" % n, life_seconds=60)
    first = await bucket.page(1)
    rest = await bucket.page(first[-1].seq + 1)
    assert ([first[0].key, len(first)], [rest[-1].key, len(rest)]) == (["short", 200], ["k249", 51])
    assert await bucket.page(rest[-1].seq) == rest[-1:]

    async def expired():
        return await bucket.get("short") is None

    await until(expired)
    assert (await bucket.page(1))[0].key == "k0"


async def test_a_queue_takes_one_job_per_task(kind, connection, names):
    queue = MemoryJobQueue() if kind == "memory" else JetStreamJobQueue(connection.client, names)
    for job in (JobMessage(task="t1", kind="k"), JobMessage(task="t1", kind="k"), JobMessage(task="t2", kind="k")):
        await queue.put(job)
    if kind == "memory":
        assert sorted(queue.jobs) == ["t1", "t2"]
    else:
        (usage,) = [
            one for one in await JetStreamStoreMeter(connection.client, names).measure() if one.name == "jobs_count"
        ]
        assert (usage.used, usage.unit) == (2, "messages")
    assert queue.limit_bytes == 256 * 1024


async def test_a_result_is_found_by_its_task(kind, connection, names):
    if kind == "memory":
        store = MemoryResults()
        store.results["t1"] = b"{}"
    else:
        store = ResultStore(connection.client, names)
        await store.put("t1", b"{}")
    assert (await store.get("t1"), await store.get("absent")) == (b"{}", None)


async def test_results_of_many_parts_are_stored_once_and_replaced(connection, names):
    store = ResultStore(connection.client, names)
    first, second = (bytes(os.urandom(1)) * 5 * CHUNK_BYTES + b"x" for _ in range(2))
    for result in (first, first, second, first):
        await store.put("t1", result)
        assert await store.get("t1") == result
    state = (await connection.client.jetstream().stream_info(f"OBJ_{names.results_bucket}")).state
    assert state.messages == 2 * 6 + 2 * 4  # the parts of both once, and two entries for each time


async def test_other_clients_of_object_stores_read_the_results(connection, names):
    await ResultStore(connection.client, names).put("t1", b"[" + b"1," * CHUNK_BYTES + b"1]")
    objects = await connection.client.jetstream().object_store(names.results_bucket)
    assert (await objects.get("t1")).data == b"[" + b"1," * CHUNK_BYTES + b"1]"
