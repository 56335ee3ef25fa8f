"""The bytes of tenants, summed up from records and logs."""

import asyncio
import logging

import pytest

from headway import codec
from headway.eventlog.chain import EMPTY, EVENT_BYTES, Chain
from headway.eventlog.deletion import mark_deleted
from headway.ownership import Ownership
from headway.records import TaskRecord
from headway.testing import MemoryBucket, progress
from headway_streamer.limits.caller import tenant_key
from headway_streamer.limits.stored import StoredBytes
from headway_streamer.tasks import tenant_sums
from headway_streamer.tasks.tenant_sums import TenantSums

pytestmark = pytest.mark.looptime


class Made:
    def __init__(self, log, most=1 << 30):
        self.log, self.records, self.chosen = log, MemoryBucket(), True
        self.files = {}
        self.stored = StoredBytes(most, lambda: asyncio.get_running_loop().time())
        self.sums = TenantSums(self.records, log, self.stored, lambda: self.chosen, self._bytes_of_files)

    async def add(self, task, tenant, *payloads, beside=0):
        """Store a task; the bytes that count."""
        record = codec.encode_json(TaskRecord(task=task, kind="k", created=1.0, owner="o", tenant=tenant))
        self.records.set(task, record)
        chain = Chain(self.log, task, EMPTY._replace(ownership=Ownership("o", tenant)), attempt=1)
        for text in payloads:
            await chain.append(progress(message=text))
        chain.stored_beside(beside)
        await chain.append(progress("completed", 100.0))
        events = await self.log.read(task)
        return len(record) + EVENT_BYTES + sum(EVENT_BYTES + len(event.payload) for event in events) + beside

    async def _bytes_of_files(self):
        return self.files

    async def __aenter__(self):
        self.root = asyncio.create_task(self.sums.keep_summed())
        await asyncio.sleep(tenant_sums.PAUSE_SECONDS - 1)
        return self

    async def __aexit__(self, *_):
        self.root.cancel()

    def used(self, tenant):
        return self.stored.used(tenant_key(tenant))


async def test_records_events_and_results_count_for_their_tenant(log):
    made = Made(log)
    sizes = [await made.add(f"t{n}", "acme", "x" * n, beside=1000 * n) for n in range(300)]
    other = await made.add("other", "evil", "y")
    async with made:
        assert made.used("acme") == sum(sizes)
        assert made.used("evil") == other
        assert made.used("absent") == 0


async def test_files_count_for_their_tenant_with_its_tasks(log):
    made = Made(log)
    size = await made.add("t1", "acme", "x")
    made.files = {"acme": 5_000, "evil": 7}
    async with made:
        assert (made.used("acme"), made.used("evil")) == (size + 5_000, 7)


async def test_what_is_deleted_or_expired_is_given_back(log):
    made = Made(log)
    await made.add("t1", "acme", "x" * 10_000)
    kept = await made.add("t2", "acme", "x")
    async with made:
        assert made.used("acme") > 10_000
        await mark_deleted(log, "t1")
        await asyncio.sleep(tenant_sums.PAUSE_SECONDS + 1)
        assert made.used("acme") < kept + 1_000
        made.records.set("t1", b"")
        await asyncio.sleep(tenant_sums.PAUSE_SECONDS + 1)
        assert made.used("acme") == kept


async def test_events_without_a_size_and_records_that_are_none(log):
    made = Made(log)
    made.records.set("odd", b"{")
    record = codec.encode_json(TaskRecord(task="old", kind="k", created=1.0, tenant="acme"))
    made.records.set("old", record)
    await Chain(log, "old", attempt=1).append(progress())
    async with made:
        last = await log.last("old")
        assert made.used("acme") == len(record) + len(last.payload) + 2 * EVENT_BYTES


async def test_one_streamer_sums_up_and_only_if_tenants_are_limited(log):
    made, unlimited = Made(log), Made(log, most=0)
    made.chosen = False
    async with made, unlimited:
        await asyncio.sleep(60)
        assert made.sums.count == unlimited.sums.count == made.records.reads == unlimited.records.reads == 0
        made.chosen = True
        await asyncio.sleep(10)
        assert made.sums.count


async def test_nats_that_does_not_answer_changes_no_sums(log, caplog):
    caplog.set_level(logging.INFO)
    made = Made(log)
    size = await made.add("t1", "acme")
    async with made:
        made.records.away = True
        await asyncio.sleep(60)
        assert made.used("acme") == size
    assert {record.action for record in caplog.records} == {"sums_unknown"}
