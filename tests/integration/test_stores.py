"""The stores in JetStream, and the doubles of `headway.testing` by the same rules."""

import asyncio
import os
import time
from hashlib import sha256

import pytest

from headway.checkpoint import Checkpoint, pack
from headway.errors import ConflictError, DamagedError, UnavailableError
from headway.eventlog.jetstream_log import JetStreamLog
from headway.ids import new_file
from headway.jetstream.checkpoints import CheckpointStore
from headway.jetstream.dead_letters import DeadLetterStream
from headway.jetstream.file_store import FileStore
from headway.jetstream.job_queue import JetStreamJobQueue
from headway.jetstream.kv import Bucket
from headway.jetstream.object_store import CHUNK_BYTES
from headway.jetstream.purge import Purger
from headway.jetstream.results import ResultStore
from headway.jetstream.store_meter import JetStreamStoreMeter
from headway.records import FileRecord, JobMessage, TaskRecord
from headway.testing import MemoryBucket, MemoryJobQueue, MemoryResults
from headway_streamer.tasks.unique import UniqueTasks
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


@pytest.mark.parametrize("tries", [1, 20])
async def test_of_two_streamers_at_once_one_takes_a_unique_key(connection, names, tries):
    log, jobs = JetStreamLog(connection.client, names), JetStreamJobQueue(connection.client, names)
    records = [TaskRecord(task=f"t{n}", kind="k", created=1.0, unique="key") for n in range(2 * tries)]
    holders, scheduled = (Bucket(connection.client, name) for name in (names.unique_bucket, names.scheduled_bucket))
    streamers = [UniqueTasks(holders, log, jobs, scheduled) for _ in range(2)]
    for record in records:  # so that each of them runs, whoever takes the key
        await jobs.put(JobMessage(task=record.task, kind="k"))
    taking = [streamers[n % 2].take(record) for n, record in enumerate(records)]
    answers = await asyncio.gather(*taking, return_exceptions=True)
    (winner,) = [record.task for record, answer in zip(records, answers, strict=True) if answer == ""]
    assert {answer for answer in answers if isinstance(answer, str) and answer} <= {winner}
    assert await streamers[0].take(records[-1]) == (winner if winner != records[-1].task else "")
    assert (await jobs.has("k", winner), await jobs.has("k", "absent")) == (True, False)


async def test_only_the_last_checkpoint_of_a_task_is_kept_and_it_goes_with_the_task(connection, names):
    store = CheckpointStore(connection.client, names)
    for number in range(3):
        saved = Checkpoint(state=os.urandom(3 * CHUNK_BYTES), done=number)
        seq = await store.put("t1", pack(saved))
        await store.drop_before("t1", seq)
        assert (await store.get("t1", seq)).checkpoint == saved
    other = await store.put("t10", pack(saved))
    assert (await connection.client.jetstream().stream_info(f"OBJ_{names.results_bucket}")).state.messages == 2 * 5
    await store.remove("t1")
    assert (await store.get("t10", other)).checkpoint == saved
    with pytest.raises(DamagedError):
        await store.get("t1", seq)


async def test_other_clients_of_object_stores_read_the_results(connection, names):
    await ResultStore(connection.client, names).put("t1", b"[" + b"1," * CHUNK_BYTES + b"1]")
    objects = await connection.client.jetstream().object_store(names.results_bucket)
    assert (await objects.get("t1")).data == b"[" + b"1," * CHUNK_BYTES + b"1]"


async def stored_file(files, content, **fields):
    """A file of that content, stored in pieces of odd sizes."""
    now = time.time()
    record = FileRecord(file=new_file(), created=now, expires=now + 60, **fields)
    upload = await files.begin(record)
    for start in range(0, len(content), 50_001):
        await upload.write(content[start : start + 50_001])
    return await upload.finish(now + 60)


async def test_a_file_is_stored_and_read_in_parts(connection, names):
    files = FileStore(connection.client, names)
    for content in (b"", b"x", os.urandom(5 * CHUNK_BYTES), os.urandom(12 * CHUNK_BYTES + 7)):
        record = await stored_file(files, content, name="a.csv", owner="ann")
        assert (record.bytes, record.sha256, record.whole) == (len(content), sha256(content).hexdigest(), True)
        assert await files.get(record.file) == record
        assert b"".join([part async for part in files.read(record.file)]) == content
    objects = await connection.client.jetstream().object_store(names.files_bucket)
    assert (await objects.get(record.file)).data == content  # as other clients read it


async def test_a_file_that_is_not_whole_or_deleted_is_not_read(connection, names):
    files = FileStore(connection.client, names)
    upload = await files.begin(FileRecord(file=new_file(), created=1.0, expires=2.0))
    await upload.write(bytes(3 * CHUNK_BYTES))
    for end in (None, upload.abandon):
        if end is not None:
            await end()
        found = await files.get(upload.record.file)
        assert (found.whole, found.deleted) == (False, end is not None)
        with pytest.raises(UnavailableError, match="is not there"):
            _ = [part async for part in files.read(upload.record.file)]
    whole = await stored_file(files, b"x")
    assert (await files.change(whole.file, expires=whole.expires + 9)).expires == whole.expires + 9
    assert (await files.change(whole.file, deleted=True)).deleted
    assert await files.change(whole.file, expires=1e10) is None
    assert await files.change("absent", deleted=True) is None


async def test_a_damaged_file_fails_before_its_last_part(connection, names):
    files = FileStore(connection.client, names)
    record = await stored_file(files, os.urandom(3 * CHUNK_BYTES))
    js = connection.client.jetstream()
    stream, subject = f"OBJ_{names.files_bucket}", f"$O.{names.files_bucket}.C.{record.file}"
    await js.purge_stream(stream, subject=subject)
    for _ in range(3):
        await js.publish(subject, bytes(CHUNK_BYTES))
    read, reading = [], files.read(record.file)
    for _ in range(2):
        read.append(await anext(reading))
    with pytest.raises(UnavailableError, match="damaged"):
        await anext(reading)


async def test_nothing_of_a_removed_file_is_left_and_it_is_removed_also_when_it_was_not_whole(connection, names):
    files, purge = FileStore(connection.client, names), Purger(connection.client).purge
    whole = await stored_file(files, bytes(3 * CHUNK_BYTES))
    upload = await files.begin(FileRecord(file=new_file(), created=1.0, expires=2.0))
    await upload.write(bytes(3 * CHUNK_BYTES))
    found, start = await files.page(1)
    assert [one.record.file for one in found] == [whole.file, whole.file, upload.record.file]
    assert await files.page(start) == ([], start)
    await files.remove(whole.file, purge)
    await files.remove(upload.record.file, purge)
    with pytest.raises(ConflictError):  # it was removed meanwhile
        await upload.finish(1e10)
    await upload.abandon()  # so that the parts that came later are found
    await files.remove(upload.record.file, purge)
    state = (await connection.client.jetstream().stream_info(f"OBJ_{names.files_bucket}")).state
    assert state.messages == 0


async def test_dead_letters_are_read_by_kind_from_a_sequence_and_removed_one_at_a_time(connection, names):
    letters = DeadLetterStream(connection.client, names)
    assert await letters.page("", 0) == []
    js = connection.client.jetstream()
    for kind, task in (("k", "t1"), ("other", "t2"), ("k", "t3"), ("k", "t4")):
        await js.publish(names.dead(kind, task), b"{}")
    assert [(one.seq, one.subject) for one in await letters.page("k", 2)] == [
        (3, names.dead("k", "t3")),
        (4, names.dead("k", "t4")),
    ]
    for _ in range(2):  # the answer to the first may be lost
        await letters.remove(3)
    assert [one.task for one in await letters.page("", 1)] == ["t1", "t2", "t4"]
    assert (await letters.get(3), (await letters.get(4)).task) == (None, "t4")
    await letters.remove(99)
