"""Jobs of one kind are pulled while a slot is free."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from headway import codec
from headway.errors import UnavailableError
from headway.kind import Registry
from headway.records import JobMessage
from headway.task import task
from headway_processor.shutdown import RunningJobs
from headway_processor.slots import Slots
from headway_processor.worker import Worker
from tests.unit.processor.conftest import Delivery

pytestmark = pytest.mark.looptime


class Queue:
    """A puller on a queue in memory."""

    def __init__(self):
        self.jobs = asyncio.Queue()
        self.reachable = True
        self.waiting = 0
        self.asked = []
        self.bound = 0
        self.closed = False

    def add(self, name):
        delivery = Delivery(codec.encode_json(JobMessage(task=name, kind="k")), f"hw.job.k.{name}")
        self.jobs.put_nowait(delivery)
        return delivery

    async def bind(self):
        if not self.reachable:
            raise UnavailableError("unreachable")
        self.bound += 1

    async def next(self, count, wait_seconds):
        self.asked.append(count)
        if not self.reachable:
            raise UnavailableError("unreachable")
        try:
            found = [await asyncio.wait_for(self.jobs.get(), wait_seconds)]
        except TimeoutError:
            found = []
        while len(found) < count and not self.jobs.empty():
            found.append(self.jobs.get_nowait())
        self.waiting = self.jobs.qsize() if found else 0
        return found

    async def close(self):
        self.closed = True


class Shop:
    """A worker with a handler that runs until it is released."""

    def __init__(self, bench, *, own_slots=10, all_slots=10, processes=None):
        self.queue = Queue()
        self.running = RunningJobs()
        self.begun = []
        self.release = asyncio.Event()
        registry = Registry()

        @task("k", registry=registry, concurrency=own_slots)
        async def handler(job):
            self.begun.append(job.task)
            await self.release.wait()

        self.slots = Slots(all_slots)
        self.worker = Worker(registry.get("k"), self.queue, bench.context(), self.running, self.slots, processes)

    @asynccontextmanager
    async def open(self):
        running = asyncio.create_task(self.worker.run())
        try:
            yield self
        finally:
            running.cancel()
            await asyncio.wait({running})
            self.release.set()
            await self.running.drain(10.0)


@pytest.mark.parametrize("slots", [{"own_slots": 2}, {"all_slots": 2}], ids=["of the kind", "of the processor"])
async def test_a_job_is_pulled_for_each_free_slot(bench, slots):
    async with Shop(bench, **slots).open() as shop:
        for name in ("t1", "t2", "t3"):
            shop.queue.add(name)
        await asyncio.sleep(5)
        assert shop.begun == ["t1", "t2"]
        shop.release.set()
        await asyncio.sleep(5)
        assert shop.begun == ["t1", "t2", "t3"]


async def test_a_job_is_pulled_only_while_a_process_is_free_and_returned_when_another_kind_was_faster(bench):
    processes = asyncio.Semaphore(1)
    async with Shop(bench, processes=processes).open() as shop:
        await asyncio.sleep(0.1)
        await processes.acquire()  # while the worker waits for a job
        returned = shop.queue.add("t1")
        await asyncio.sleep(5)
        waiting = shop.queue.add("t2")
        await asyncio.sleep(5)
        assert (returned.answers, waiting.answers, shop.begun) == ([("nak", 0.0)], [], [])
        processes.release()
        await asyncio.sleep(5)
        assert shop.begun == ["t2"]
        assert processes.locked()


async def test_jobs_that_wait_are_pulled_together_up_to_the_free_slots(bench):
    shop = Shop(bench, own_slots=5, all_slots=8)
    names = [f"t{number}" for number in range(9)]
    for name in names:
        shop.queue.add(name)
    async with shop.open():
        await asyncio.sleep(5)
        assert (shop.begun, shop.queue.asked) == (names[:5], [1, 4])
        shop.release.set()
        await asyncio.sleep(5)
        assert shop.begun == names


async def test_no_slot_is_kept_for_jobs_that_others_were_faster_to_take(bench):
    shop = Shop(bench, own_slots=5, all_slots=5)
    shop.queue.add("t1")
    shop.queue.waiting = 3
    async with shop.open():
        await asyncio.sleep(5)
        assert shop.begun == ["t1"]
        assert len(shop.slots.take_free("k", 9)) == 3  # one runs, and one request waits


async def test_of_a_batch_that_brings_a_job_twice_the_others_run(bench):
    shop = Shop(bench)
    shop.queue.waiting = 3
    for name in ("t1", "t1", "t2"):
        again = shop.queue.add(name)
    async with shop.open():
        await asyncio.sleep(5)
        assert (shop.begun, len(shop.running)) == (["t1", "t2"], 2)
        assert again.answers == []


async def test_a_job_that_runs_here_is_not_run_twice(bench):
    async with Shop(bench).open() as shop:
        shop.queue.add("t1")
        await asyncio.sleep(1)
        again = shop.queue.add("t1")
        await asyncio.sleep(1)
        assert (shop.begun, again.extended, again.answers, len(shop.running)) == (["t1"], 1, [], 1)


async def test_a_worker_is_bound_while_jobs_can_arrive(bench):
    async with Shop(bench).open() as shop:
        await asyncio.sleep(1)
        assert (shop.worker.bound, shop.worker.was_bound) == (True, True)
        shop.queue.reachable = False
        await asyncio.sleep(5)
        assert (shop.worker.bound, shop.worker.was_bound) == (False, True)
        shop.queue.reachable = True
        await asyncio.sleep(5)
        assert (shop.worker.bound, shop.queue.bound) == (True, 2)
    assert (shop.worker.bound, shop.queue.closed) == (False, True)


async def test_a_cancellation_while_it_waits_for_a_slot_frees_the_other(bench):
    shop = Shop(bench, all_slots=1)
    async with shop.open():
        shop.queue.add("t1")
        await asyncio.sleep(5)
    assert shop.queue.closed
    async with asyncio.timeout(1):
        assert await shop.slots.take("k")
