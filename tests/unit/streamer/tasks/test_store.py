"""Accepting, finding and cancelling tasks."""

import asyncio

import pytest

from headway import codec
from headway.errors import EndedError, MalformedEventError, StoreFullError, TooLargeError, UnavailableError
from headway.eventlog.chain import EVENT_BYTES
from headway.events import Cancel
from headway.jetstream.store_meter import Usage
from headway.records import TaskRecord
from headway.testing import MemoryLog, progress
from headway_streamer.limits.stored import QuotaError
from headway_streamer.problems import Problem
from headway_streamer.tasks.store import ENVELOPE_BYTES, WAITING
from tests.unit.streamer.conftest import completed, parts_on

pytestmark = pytest.mark.looptime


async def test_a_task_is_stored_as_record_job_and_queued_event(parts):
    record, new = await parts.task_store.submit("k", b'{"a":1}', owner="o", cancel_on_disconnect=True)
    assert new
    assert await parts.task_store.record(record.task) == record
    job = parts.jobs.jobs[record.task]
    assert (job.kind, bytes(job.params), job.cancel_on_disconnect) == ("k", b'{"a":1}', True)
    (queued,) = parts.log.events(record.task)
    assert (queued.status, queued.message, queued.attempt) == ("queued", WAITING, 0)


async def test_the_same_key_finds_the_same_task(parts):
    first, new = await parts.task_store.submit("k", b"{}", key="one")
    again, new_again = await parts.task_store.submit("k", b"{}", key="one")
    assert (new, new_again, again) == (True, False, first)
    assert len(parts.jobs.jobs) == len(parts.log.events(first.task)) == 1


@pytest.mark.parametrize(("kind", "params"), [("other", b"{}"), ("k", b'{"a":1}')])
async def test_a_key_that_was_used_for_something_else_is_a_problem(parts, kind, params):
    await parts.task_store.submit("k", b"{}", key="one")
    with pytest.raises(Problem) as caught:
        await parts.task_store.submit(kind, params, key="one")
    assert caught.value.status == 422


async def test_a_crash_between_record_and_job_is_repaired_by_the_next_try(parts):
    parts.jobs.away = True
    with pytest.raises(UnavailableError):
        await parts.task_store.submit("k", b"{}", key="one")
    parts.jobs.away = False
    record, new = await parts.task_store.submit("k", b"{}", key="one")
    assert (new, list(parts.jobs.jobs)) == (False, [record.task])


async def test_a_task_whose_queued_event_cannot_be_stored_is_accepted(parts):
    parts.log.full = True
    record, new = await parts.task_store.submit("k", b"{}")
    assert new
    assert parts.log.events(record.task) == []


async def test_parameters_that_do_not_fit_a_message_are_rejected_before_anything_is_stored(parts):
    with pytest.raises(TooLargeError):
        await parts.task_store.submit("k", b"x" * (parts.jobs.limit_bytes - ENVELOPE_BYTES + 1))
    assert await parts.records.all() == []


async def test_a_full_store_rejects_new_tasks_and_finds_those_it_accepted(parts):
    record, _ = await parts.task_store.submit("k", b"{}", key="one")
    parts.capacity.parts = [Usage("store", 99, 100)]
    assert await parts.task_store.submit("k", b"{}", key="one") == (record, False)
    for key in ("two", ""):
        with pytest.raises(StoreFullError):
            await parts.task_store.submit("k", b"{}", key=key)
    assert len(await parts.records.all()) == 1


async def test_a_server_without_space_is_not_asked_again_at_once(parts):
    parts.jobs.full = True
    with pytest.raises(StoreFullError):
        await parts.task_store.submit("k", b"{}")
    parts.jobs.full = False
    with pytest.raises(StoreFullError):
        await parts.task_store.submit("k", b"{}")


async def test_a_store_that_does_not_answer_in_time_is_unavailable(parts, monkeypatch):
    async def hang(*_, **__):
        await asyncio.sleep(60)

    monkeypatch.setattr(parts.records, "create", hang)
    monkeypatch.setattr(parts.log, "last", hang)
    for call in (parts.task_store.submit("k", b"{}"), parts.task_store.cancel("t1", "why")):
        begun = asyncio.get_running_loop().time()
        with pytest.raises(UnavailableError, match="in time"):
            await call
        assert asyncio.get_running_loop().time() - begun == pytest.approx(2)


async def test_a_record_that_cannot_be_read_is_counted(parts):
    parts.records.set("bad", b"{")
    with pytest.raises(MalformedEventError):
        await parts.task_store.record("bad")
    assert parts.counted("records_malformed_total", what="task") == 1
    assert await parts.task_store.record("absent") is None


async def test_a_task_that_no_processor_has_begun_is_cancelled_here(parts):
    record, _ = await parts.task_store.submit("k", b"{}")
    await parts.task_store.cancel(record.task, "typo")
    last = parts.log.events(record.task)[-1]
    assert (last.status, last.message) == ("cancelled", "typo")
    with pytest.raises(EndedError):
        await parts.task_store.cancel(record.task, "again")


async def test_a_cancelled_task_cancels_its_parts_of_the_same_owner(parts):
    async def reported(task, owner="ann", **fields):
        record = TaskRecord(task=task, kind="k", created=1.0, owner=owner, reported=True, **fields)
        parts.records.set(task, codec.encode_json(record))
        return record

    whole = await reported("c", after=["a", "g", "foreign", "unknown"])
    await reported("a", parent="c")
    await reported("g", parent="c", children=["m0", "m1"])
    await reported("foreign", owner="bob")
    for task in ("m0", "m1"):
        await reported(task, parent="g")
    await parts.write("a", completed())
    await parts.write("m0", progress("processing", 1.0))
    await parts.task_store.cancel("c", "enough")
    await parts.task_store.cancel_parts(whole, "enough")
    assert isinstance(parts.log.events("m0")[-1], Cancel)
    assert [parts.log.events(task)[-1].status for task in ("c", "a", "g", "m1")] == [
        *("cancelled", "completed", "cancelled", "cancelled"),
    ]
    assert not parts.log.events("foreign")


async def test_the_parent_of_a_part_that_is_cancelled_in_the_queue_counts_it(parts):
    for task, fields in (("g", {"children": ["m0"]}), ("m0", {"parent": "g"})):
        record = TaskRecord(task=task, kind="k", created=1.0, reported=True, **fields)
        parts.records.set(task, codec.encode_json(record))
    await parts.task_store.cancel("m0", "enough")
    await parts.task_store.cancel_parts(record, "enough")
    assert parts.log.events("g")[-1].status == "cancelled"


async def test_a_running_task_gets_one_request(parts):
    await parts.write("t1", progress("processing", 1.0))
    await parts.task_store.cancel("t1", "typo")
    await parts.task_store.cancel("t1", "typo")
    assert [codec.decode_json(codec.encode(e))["type"] for e in parts.log.events("t1")] == ["progress", "cancel"]
    await parts.write("t1", completed())
    with pytest.raises(EndedError) as caught:
        await parts.task_store.cancel("t1", "late")
    assert caught.value.status == "completed"


@pytest.mark.security
async def test_no_two_owners_share_a_key_whatever_their_names():
    async with parts_on(MemoryLog()) as parts:
        pairs = [("a/b", "c"), ("a", "b/c"), ("", "a/b/c"), ("", "a"), ("a", ""), ("a/b/c", "")]
        tasks = [await parts.task_store.submit("k", b"{}", tenant=one, owner=other, key="x") for one, other in pairs]
        assert len({record.task for record, _ in tasks}) == len(pairs)


@pytest.mark.security
async def test_a_tenant_over_its_quota_finds_its_tasks_and_gets_no_new_one():
    async with parts_on(MemoryLog(), max_tenant_bytes=2 * ENVELOPE_BYTES + 100) as parts:
        first, _ = await parts.task_store.submit("k", b"{}", owner="ann", tenant="acme", key="one")
        await parts.task_store.submit("k", b"{}", owner="bob", tenant="acme")
        with pytest.raises(QuotaError):
            await parts.task_store.submit("k", b"{}", owner="ann", tenant="acme")
        again, new = await parts.task_store.submit("k", b"{}", owner="ann", tenant="acme", key="one")
        assert (again, new) == (first, False)
        assert len(parts.jobs.jobs) == 2
        # It is no sign that the store is full: others are accepted.
        await parts.task_store.submit("k", b"{}", owner="ann", tenant="other")


@pytest.mark.parametrize("owner", ["", "ann"])
async def test_the_queued_event_counts_its_bytes_if_the_task_has_an_owner(parts, owner):
    record, _ = await parts.task_store.submit("k", b"{}", owner=owner)
    last = await parts.log.last(record.task)
    assert last.size == (len(last.payload) + EVENT_BYTES if owner else 0)
