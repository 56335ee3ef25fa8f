"""The stores in memory obey the rules of the real ones."""

import pytest

from headway import codec
from headway.errors import StoreFullError, TooLargeError, UnavailableError
from headway.records import JobMessage
from headway.testing import MemoryBucket, MemoryJobQueue, MemoryResults

JOB = JobMessage(task="t1", kind="k", submitted=1.0)


async def test_a_key_is_created_once_and_read_back():
    bucket = MemoryBucket()
    assert await bucket.create("a", b"1")
    assert not await bucket.create("a", b"2")
    assert (await bucket.get("a"), await bucket.get("b")) == (b"1", None)
    assert await bucket.all() == [("a", b"1")]


async def test_pages_of_a_bucket_are_by_sequence_the_newest_first():
    bucket = MemoryBucket()
    for n in range(144):
        bucket.set(f"k{n}", b"%d" % n)
    page, before, _ = await bucket.newest_before(0)
    assert (page[0], page[-1], before) == ((81, "k80", b"80"), (144, "k143", b"143"), 81)
    page, before, _ = await bucket.newest_before(before)
    page, before, _ = await bucket.newest_before(before)
    assert (page[0], page[-1], before) == ((1, "k0", b"0"), (16, "k15", b"15"), 1)


async def test_a_value_that_was_deleted_is_not_found():
    bucket = MemoryBucket()
    bucket.set("a", b"1")
    bucket.set("a", b"")
    assert (await bucket.get("a"), await bucket.all()) == (None, [])


async def test_a_queue_keeps_the_first_job_of_a_task():
    queue = MemoryJobQueue()
    await queue.put(JOB)
    await queue.put(JobMessage(task="t1", kind="other", submitted=2.0))
    assert queue.jobs["t1"].kind == "k"


async def test_a_deleted_key_cannot_be_created_again():
    bucket = MemoryBucket()
    bucket.set("a", b"")
    assert not await bucket.create("a", b"1")


async def test_a_value_that_is_set_again_moves_to_the_end():
    bucket = MemoryBucket()
    for key, value in (("a", b"1"), ("b", b"2"), ("a", b"3")):
        bucket.set(key, value)
    assert await bucket.all() == [("b", b"2"), ("a", b"3")]
    assert (await bucket.newest_before(3))[:2] == ([(2, "b", b"2")], 1)


async def test_calls_that_read_are_counted():
    bucket = MemoryBucket()
    await bucket.create("a", b"1")
    for call in (bucket.get("a"), bucket.all(), bucket.newest_before(0)):
        await call
    assert bucket.reads == 3


async def test_a_result_is_found_by_its_task():
    results = MemoryResults()
    results.results["t1"] = b"1"
    assert (await results.get("t1"), await results.get("t2")) == (b"1", None)


async def test_a_full_store_refuses_writes_and_is_read_as_before():
    bucket, queue = MemoryBucket(), MemoryJobQueue()
    bucket.set("a", b"1")
    bucket.full = queue.full = True
    for call in (bucket.create("b", b"2"), bucket.create("a", b"2"), queue.put(JOB)):
        with pytest.raises(StoreFullError):
            await call
    assert (await bucket.all(), queue.jobs) == ([("a", b"1")], {})


@pytest.mark.parametrize("full", [False, True])
async def test_a_job_over_the_limit_is_refused_with_its_sizes(full):
    queue = MemoryJobQueue()
    size = len(codec.encode_json(JOB))
    queue.limit_bytes = size
    await queue.put(JOB)
    queue.limit_bytes, queue.full = size - 1, full
    with pytest.raises(TooLargeError, match="the job of t1") as caught:
        await queue.put(JOB)
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (size, size - 1)


async def test_a_store_that_is_unreachable_answers_nothing():
    bucket, queue, results = MemoryBucket(), MemoryJobQueue(), MemoryResults()
    bucket.away = queue.away = results.away = True
    for call in (
        bucket.get("a"),
        bucket.all(),
        bucket.create("a", b"1"),
        bucket.newest_before(0),
        queue.put(JOB),
        results.get("t1"),
    ):
        with pytest.raises(UnavailableError):
            await call
    bucket.away = queue.away = False
    await queue.put(JOB)
    assert (await bucket.all(), list(queue.jobs)) == ([], ["t1"])
