"""Which tasks are removed, and when."""

import asyncio
import time

import pytest

from headway import codec
from headway.errors import NotEndedError, UnavailableError
from headway.jetstream.deletions import Entry
from headway.records import KindRecord
from headway.testing import MemoryBucket
from headway_processor.deletion.remover import RETENTION_SECONDS, Stores, TaskRemover
from headway_processor.metrics import Metrics

pytestmark = pytest.mark.looptime


class Queue:
    """Requests and notes in memory."""

    def __init__(self):
        self.requests = []
        self.ended = []
        self.away = False

    async def requested(self):
        if self.away:
            raise UnavailableError("NATS is unreachable")
        return list(self.requests)

    async def ended_before(self, kind, before):
        for number, (name, task, at) in enumerate(self.ended):
            if name == kind and at < before:
                yield Entry(task, number)


class Removal:
    """Removes the requests and notes of tasks, but of those that run."""

    def __init__(self, queue):
        self.queue = queue
        self.removed, self.dropped, self.running = [], [], set()
        self.failing = 0

    async def remove(self, task, request=0):
        await asyncio.sleep(0.01)
        if self.failing:
            self.failing -= 1
            raise UnavailableError("no answer")
        if task in self.running:
            raise NotEndedError(task)
        self.removed.append(task)
        self._forget(task)

    async def drop(self, task, request):
        self.dropped.append(task)
        self._forget(task)

    def _forget(self, task):
        self.queue.requests = [entry for entry in self.queue.requests if entry.task != task]
        self.queue.ended = [entry for entry in self.queue.ended if entry[1] != task]


class Counted(Metrics):
    def __init__(self):
        self.counted = []

    def removed(self, reason):
        self.counted.append(reason)


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def removal(queue):
    return Removal(queue)


@pytest.fixture
def kinds():
    return MemoryBucket()


@pytest.fixture
def metrics():
    return Counted()


@pytest.fixture
def remover(queue, removal, kinds, metrics):
    return TaskRemover(Stores(queue, removal, kinds), metrics)


async def running(remover, seconds):
    task = asyncio.ensure_future(remover.keep_removed())
    await asyncio.sleep(seconds)
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_requested_tasks_are_removed_within_two_seconds_each_once(remover, queue, removal, metrics):
    working = asyncio.ensure_future(running(remover, 10))
    await asyncio.sleep(1)
    queue.requests = [Entry(f"t{n % 30}", n) for n in range(60)]
    await asyncio.sleep(2)
    assert sorted(removal.removed) == sorted(f"t{n}" for n in range(30))
    assert metrics.counted == ["requested"] * 30
    await working


async def test_a_request_for_a_task_that_runs_is_dropped(remover, queue, removal, caplog):
    queue.requests, removal.running = [Entry("t1", 1)], {"t1"}
    await running(remover, 2)
    assert (removal.removed, removal.dropped) == ([], ["t1"])
    assert [record.action for record in caplog.records] == ["not_removed"]


async def test_tasks_are_removed_when_the_retention_of_their_kind_is_over(remover, queue, removal, kinds, metrics):
    now = time.time()
    kinds.set("short", codec.encode_json(KindRecord(kind="short", retention_seconds=60.0)))
    kinds.set("long", codec.encode_json(KindRecord(kind="long")))
    kinds.set("odd", b"?")
    queue.ended = [
        ("short", "old", now - 61),
        ("short", "young", now - 30),
        ("long", "other", now - 1e6),
    ]
    await running(remover, 2)
    assert (removal.removed, metrics.counted) == (["old"], ["expired"])


async def test_retention_is_looked_at_every_half_minute(remover, queue, removal, kinds):
    kinds.set("k", codec.encode_json(KindRecord(kind="k", retention_seconds=1.0)))
    working = asyncio.ensure_future(running(remover, 2 * RETENTION_SECONDS))
    await asyncio.sleep(1)
    queue.ended = [("k", "t1", time.time() - 5)]
    await asyncio.sleep(1.3 * RETENTION_SECONDS)
    assert removal.removed == ["t1"]
    await working


async def test_a_removal_that_fails_is_repeated_and_logged(remover, queue, removal, caplog):
    queue.requests, removal.failing = [Entry("t1", 1), Entry("t2", 2)], 3
    await running(remover, 20)
    assert sorted(removal.removed) == ["t1", "t2"]
    refused = [record for record in caplog.records if record.action == "removal_refused"]
    assert refused
    assert "nats-config" in refused[0].message
