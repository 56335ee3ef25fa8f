"""The stores in memory obey the rules of the real ones."""

import pytest

from headway.errors import StoreFullError, TooLargeError, UnavailableError
from headway.records import JobMessage
from headway.testing import MemoryBucket, MemoryJobQueue, MemoryResults


async def test_a_key_is_created_once_and_read_back():
    bucket = MemoryBucket()
    assert await bucket.create("a", b"1")
    assert not await bucket.create("a", b"2")
    assert (await bucket.get("a"), await bucket.get("b")) == (b"1", None)
    assert await bucket.all() == [("a", b"1")]


async def test_pages_of_a_bucket_are_by_sequence_the_newest_first():
    bucket = MemoryBucket()
    for n in range(450):
        bucket.set(f"k{n}", b"%d" % n)
    page, before = await bucket.newest_before(0)
    assert (page[0], page[-1], before) == (("k250", b"250"), ("k449", b"449"), 251)
    page, before = await bucket.newest_before(before)
    page, before = await bucket.newest_before(before)
    assert (page[0], page[-1], before) == (("k0", b"0"), ("k49", b"49"), 1)


async def test_a_value_that_was_deleted_is_not_found():
    bucket = MemoryBucket()
    bucket.set("a", b"1")
    bucket.set("a", b"")
    assert (await bucket.get("a"), await bucket.all()) == (None, [])


async def test_a_queue_keeps_the_first_job_of_a_task():
    queue = MemoryJobQueue()
    await queue.put(JobMessage(task="t1", kind="k", submitted=1.0))
    await queue.put(JobMessage(task="t1", kind="other", submitted=2.0))
    assert queue.jobs["t1"].kind == "k"


async def test_faults_are_raised():
    bucket, queue, results = MemoryBucket(), MemoryJobQueue(), MemoryResults()
    job = JobMessage(task="t1", kind="k", submitted=1.0)
    bucket.full = queue.full = True
    for call in (bucket.create("a", b"1"), queue.put(job)):
        with pytest.raises(StoreFullError):
            await call
    queue.limit_bytes = 10
    with pytest.raises(TooLargeError):
        await queue.put(job)
    results.results["t1"] = b"1"
    assert (await results.get("t1"), await results.get("t2")) == (b"1", None)
    bucket.away = queue.away = results.away = True
    for call in (bucket.get("a"), bucket.all(), bucket.newest_before(0), queue.put(job), results.get("t1")):
        with pytest.raises(UnavailableError):
            await call
