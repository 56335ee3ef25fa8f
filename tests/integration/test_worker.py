"""Jobs pulled from a real queue, run, and given back."""

import asyncio
import itertools
import os
import threading
from contextlib import aclosing, asynccontextmanager
from functools import partial

import msgspec
import pytest

from headway import codec
from headway.children.children import Stores
from headway.errors import TaskError
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.follow import follow
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import Cancel, Progress
from headway.jetstream import provision
from headway.jetstream.checkpoints import CheckpointStore
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.deletions import Deletions
from headway.jetstream.results import ResultStore
from headway.kind import Registry
from headway.records import DeadJob, JobMessage
from headway.task import task
from headway.testing import progress
from headway_processor.context import RunContext
from headway_processor.jobs.dead_letters import JetStreamDeadLetters
from headway_processor.jobs.delivery import JetStreamDelivery
from headway_processor.jobs.puller import Puller
from headway_processor.metrics import Metrics
from headway_processor.processes.pool import Pool
from headway_processor.processes.spawned import spawn
from headway_processor.settings import Settings
from headway_processor.shutdown import RunningJobs
from headway_processor.slots import Slots
from headway_processor.worker import Worker
from tests.fixtures.condition import until

SETTINGS = Settings(ack_wait_seconds=30.0, interval_seconds=0.01, retry_delay_seconds=0.05)


@pytest.fixture(autouse=True)
def short_polls(monkeypatch):
    """A worker closes when its last request has ended."""
    monkeypatch.setattr("headway_processor.worker.POLL_SECONDS", 0.1)


class Params(msgspec.Struct):
    count: int = 1


class Shop:
    """Workers of one process, and what a client does with their tasks."""

    def __init__(self, connection):
        self.connection = connection
        self.names = connection.names
        self.js = connection.client.jetstream()
        self.log = JetStreamLog(connection.client, self.names)
        self.settings = SETTINGS
        self.running = RunningJobs()
        self.workers = []
        self._ids = itertools.count(1)
        self._pulling = []

    def open(self, handler, *, kind="k", slots=None, **options):
        """Start a worker that runs `handler`."""
        registry = Registry()
        task(kind, registry=registry, **options)(handler)
        config = provision.job_consumer(
            self.names,
            kind,
            ack_wait_seconds=self.settings.ack_wait_seconds,
            concurrency=options.get("concurrency", 10),
        )
        client = self.connection.client
        dead_letters, results = JetStreamDeadLetters(client, self.names), ResultStore(client, self.names)
        checkpoints, deletions = CheckpointStore(client, self.names), Deletions(client, self.names)
        processes = Pool(partial(spawn, os.environ), tasks=0, memory_bytes=0)
        children = Stores(self.log, None, None, results)  # nobody has any
        stores = (self.log, dead_letters, results, checkpoints, deletions)
        context = RunContext(*stores, processes, self.settings, Metrics(), children)
        puller = Puller(self.connection, config)
        worker = Worker(registry.get(kind), puller, context, self.running, slots or Slots(100))
        self.workers.append(worker)
        self._pulling.append(asyncio.create_task(worker.run()))
        return worker

    async def submit(self, params=b"{}", *, kind="k"):
        name = f"task{next(self._ids)}"
        await self.publish(
            name, codec.encode_json(JobMessage(task=name, kind=kind, params=codec.raw(params))), kind=kind
        )
        return name

    async def publish(self, name, payload, *, kind="k"):
        await self.js.publish(self.names.job(kind, name), payload)

    async def until(self, name, *wanted):
        """Wait until the task has a progress with one of these statuses."""
        async with asyncio.timeout(15), aclosing(follow(self.log, name)) as events:
            async for followed in events:
                event = codec.decode(followed.payload)
                if isinstance(event, Progress) and event.status in wanted:
                    return event
        raise AssertionError

    async def events(self, name):
        return [codec.decode(stored.payload) for stored in await self.log.read(name)]

    async def append(self, name, event, attempt=None):
        await Chain(self.log, name, await read_head(self.log, name), attempt=attempt).append(event)

    async def jobs_left(self):
        return (await self.js.stream_info(self.names.jobs_stream)).state.messages

    async def until_no_jobs(self):
        async def empty():
            return not await self.jobs_left()

        await until(empty)

    async def dead(self):
        info = await self.js.stream_info(self.names.dead_stream)
        found = [await self.js.get_msg(self.names.dead_stream, seq + 1) for seq in range(info.state.messages)]
        return [(message.subject, msgspec.json.decode(message.data, type=DeadJob)) for message in found]

    async def stop_pulling(self):
        for pulling in self._pulling:
            pulling.cancel()
        await asyncio.gather(*self._pulling, return_exceptions=True)
        self._pulling.clear()

    async def close(self, grace_seconds=0.0):
        await self.stop_pulling()
        await self.running.drain(grace_seconds)


@asynccontextmanager
async def opened(connection):
    shop = Shop(connection)
    try:
        yield shop
    finally:
        await shop.close()


@pytest.fixture
async def shop(connection):
    async with opened(connection) as shop:
        yield shop


async def test_job_runs_to_its_end_and_leaves_the_queue(shop):
    async def handler(job, params: Params):
        for _ in job.track(range(params.count), unit="rows"):
            job.chunk("x")
        return {"rows": params.count}

    shop.open(handler)
    name = await shop.submit(b'{"count": 3}')
    last = await shop.until(name, "completed", "error")
    assert (last.data, last.attempt, last.done, last.unit) == ({"rows": 3}, 1, 3, "rows")
    await shop.until_no_jobs()
    numbers = [event.n for event in await shop.events(name)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_failed_job_leaves_the_queue(shop):
    def handler(job):
        raise TaskError("no luck", type="Luck")

    shop.open(handler)
    last = await shop.until(await shop.submit(), "completed", "error")
    assert (last.status, last.error.type, last.message) == ("error", "Luck", "no luck")
    await shop.until_no_jobs()


async def test_failed_job_is_retried_after_its_pause(shop):
    async def handler(job):
        if job.attempt < 3:
            raise TaskError(f"attempt {job.attempt}")
        return job.attempt

    shop.open(handler, retries=2)
    name = await shop.submit()
    last = await shop.until(name, "completed", "error")
    assert (last.data, last.attempt, last.failed) == (3, 3, 2)
    statuses = [event.status for event in await shop.events(name)]
    assert statuses == ["processing", "retrying"] * 2 + ["processing", "completed"]


async def test_next_attempt_continues_from_the_checkpoint_of_the_last_one(shop):
    async def handler(job):
        if (before := job.restore(list[int])) is not None:
            return before
        job.update(done=2, total=4, unit="pages")
        job.checkpoint([1, 2], every=0)
        raise TaskError("later")

    shop.open(handler, retries=1)
    name = await shop.submit()
    last = await shop.until(name, "completed", "error")
    assert (last.data, last.attempt, last.done) == ([1, 2], 2, 2)
    second = next(event for event in await shop.events(name) if event.attempt == 2)
    assert (second.progress, second.done, second.total, second.unit) == (50.0, 2, 4, "pages")
    state = (await shop.js.stream_info(f"OBJ_{shop.names.results_bucket}")).state
    assert state.messages == 0  # the task is completed


async def test_retry_without_a_pause_is_not_taken_for_the_old_run(shop):
    shop.settings = msgspec.structs.replace(SETTINGS, retry_delay_seconds=0.0)

    async def handler(job):
        if job.attempt < 5:
            raise TaskError("again")

    shop.open(handler, retries=9)
    assert (await shop.until(await shop.submit(), "completed", "error")).attempt == 5


async def test_job_that_takes_too_long_ends(shop):
    async def handler(job):
        await asyncio.Event().wait()

    shop.open(handler, timeout=0.05)
    last = await shop.until(await shop.submit(), "completed", "error")
    assert last.error.type == "Timeout"


async def test_cancel_request_ends_an_async_handler(shop):
    async def handler(job):
        await asyncio.Event().wait()

    shop.open(handler)
    name = await shop.submit()
    await shop.until(name, "processing")
    await shop.append(name, Cancel(reason="enough"))
    assert (await shop.until(name, "cancelled", "completed")).message == "cancelled: enough"
    await shop.until_no_jobs()


async def test_cancel_request_ends_a_handler_in_a_thread(shop):
    def handler(job):
        for _ in job.track(itertools.count()):
            threading.Event().wait(0.001)

    shop.open(handler)
    name = await shop.submit()
    await shop.until(name, "processing")
    await shop.append(name, Cancel(reason=""))
    assert (await shop.until(name, "cancelled", "completed")).status == "cancelled"


class Crowd:
    """A handler that counts how many of it run at once, and waits to be let go."""

    def __init__(self):
        self.now = self.most = 0
        self.door = asyncio.Event()

    async def handler(self, job):
        self.now += 1
        self.most = max(self.most, self.now)
        await self.door.wait()
        self.now -= 1

    async def until(self, count):
        await until(lambda: self.now >= count)


async def test_kind_runs_no_more_jobs_at_once_than_its_concurrency(shop):
    crowd = Crowd()
    shop.open(crowd.handler, concurrency=2)
    names = [await shop.submit() for _ in range(6)]
    await crowd.until(2)
    crowd.door.set()
    for name in names:
        await shop.until(name, "completed")
    assert crowd.most == 2


async def test_all_kinds_share_the_slots_of_the_processor(shop):
    crowd, slots = Crowd(), Slots(3)
    shop.open(crowd.handler, kind="a", slots=slots)
    shop.open(crowd.handler, kind="b", slots=slots)
    names = [await shop.submit(kind=kind) for kind in "abababab"]
    await crowd.until(3)
    crowd.door.set()
    for name in names:
        await shop.until(name, "completed")
    assert crowd.most == 3


async def test_superseded_attempt_writes_nothing_and_does_not_ack(shop):
    stopped = asyncio.Event()

    async def handler(job):
        try:
            await asyncio.Event().wait()
        finally:
            job.update(99)
            stopped.set()

    shop.open(handler)
    name = await shop.submit()
    await shop.until(name, "processing")
    await shop.append(name, progress(), attempt=2)
    async with asyncio.timeout(10):
        await stopped.wait()
    await shop.close()
    assert [event.attempt for event in await shop.events(name)] == [1, 2]
    assert await shop.jobs_left() == 1


async def test_job_handed_back_at_a_shutdown_runs_again_at_once(shop, connection):
    async def waits(job):
        await asyncio.Event().wait()

    shop.open(waits)
    name = await shop.submit()
    await shop.until(name, "processing")
    await shop.close()
    handed_back = (await shop.events(name))[-1]
    assert (handed_back.status, handed_back.failed, handed_back.error) == ("retrying", 0, None)
    async with opened(connection) as other:
        other.open(lambda job: job.attempt)
        last = await other.until(name, "completed", "error")
    assert (last.data, last.attempt, last.failed) == (2, 2, 0)


async def test_handler_may_end_within_the_grace(shop):
    crowd = Crowd()
    shop.open(crowd.handler)
    name = await shop.submit()
    await crowd.until(1)
    closing = asyncio.create_task(shop.close(grace_seconds=10))
    crowd.door.set()
    await closing
    assert (await shop.events(name))[-1].status == "completed"


async def test_job_that_arrives_after_the_stop_is_given_back(shop, monkeypatch):
    """Jobs flow in while pullers come and go: every one of them runs, at once, none waits for its ack_wait."""
    monkeypatch.setattr("headway_processor.worker.POLL_SECONDS", 0.02)
    names = []
    for _ in range(40):
        worker = shop.open(lambda job: None)
        async with asyncio.timeout(5):
            while not worker.bound:
                await asyncio.sleep(0)
        closing = asyncio.create_task(shop.stop_pulling())
        names += [await shop.submit() for _ in range(3)]
        await closing
    shop.open(lambda job: None)
    for name in names:
        assert (await shop.until(name, "completed")).attempt == 1


@pytest.mark.security
async def test_malformed_job_is_dead_lettered_and_the_next_one_runs(shop):
    shop.open(lambda job: None)
    await shop.publish("bad", b"\xff{")
    last = await shop.until(await shop.submit(), "completed", "error")
    assert last.status == "completed"
    await shop.until_no_jobs()
    ((subject, dead),) = await shop.dead()
    assert subject == shop.names.dead("k", "bad")
    assert (msgspec.json.decode(dead.job), dead.reason[:9]) == ("\ufffd{", "not a Job")


async def test_params_that_do_not_fit_end_the_task(shop):
    async def handler(job, params: Params):
        raise AssertionError

    shop.open(handler, retries=5)
    name = await shop.submit(b'{"count": "many"}')
    last = await shop.until(name, "completed", "error")
    assert (last.error.type, "/params/count: " in last.error.message) == ("InvalidParams", True)
    await shop.until_no_jobs()
    ((subject, dead),) = await shop.dead()
    assert (subject, msgspec.json.decode(dead.job)["task"]) == (shop.names.dead("k", name), name)


async def test_large_result_is_in_the_object_store(shop):
    shop.open(lambda job: "x" * 1_000_000)
    name = await shop.submit()
    last = await shop.until(name, "completed", "error")
    assert last.data == {"href": f"/api/v1/tasks/{name}/result", "bytes": 1_000_002}
    store = await shop.js.object_store(shop.names.results_bucket)
    assert msgspec.json.decode((await store.get(name)).data) == "x" * 1_000_000


async def test_running_job_outlives_its_ack_wait(shop):
    shop.settings = msgspec.structs.replace(SETTINGS, ack_wait_seconds=0.3)
    runs = []

    async def handler(job):
        runs.append(job.attempt)
        await asyncio.sleep(1.0)  # more than three times ack_wait: without signs of life it would be delivered again

    shop.open(handler)
    assert (await shop.until(await shop.submit(), "completed")).attempt == 1
    assert runs == [1]


async def test_own_job_that_comes_back_is_not_run_twice(shop, monkeypatch):
    """As after NATS was away for longer than ack_wait."""
    shop.settings = msgspec.structs.replace(SETTINGS, ack_wait_seconds=0.2)
    again = asyncio.Event()

    async def lost(delivery):
        if delivery._message.metadata.num_delivered > 1:
            again.set()

    monkeypatch.setattr(JetStreamDelivery, "extend", lost)

    async def handler(job):
        await again.wait()
        return job.attempt

    shop.open(handler)
    assert (await shop.until(await shop.submit(), "completed", "error")).data == 1
    await shop.until_no_jobs()


async def test_vanished_attempt_is_taken_over_after_ack_wait(shop, connection):
    shop.settings = msgspec.structs.replace(SETTINGS, ack_wait_seconds=0.5)
    name = await shop.submit()
    config = provision.job_consumer(shop.names, "k", ack_wait_seconds=0.5, concurrency=10)
    gone = Puller(connection, config)
    await gone.bind()
    assert await gone.next(1, 5.0)
    await shop.append(name, progress(), attempt=1)
    shop.open(lambda job: job.attempt)
    last = await shop.until(name, "completed", "error")
    assert (last.data, last.failed) == (2, 0)  # what vanished once is not blamed: a neighbour may have ended it
    assert next(event.lost for event in await shop.events(name) if event.attempt == 2) == 1
    await gone.close()


async def test_a_backlog_is_pulled_in_batches_and_each_job_runs_once(shop):
    seen, most = [], 0
    names = [await shop.submit() for _ in range(40)]

    async def handler(job):
        nonlocal most
        seen.append(job.task)
        most = max(most, len(shop.running))
        await asyncio.sleep(0)

    for _ in range(2):  # as two processors would
        shop.open(handler, concurrency=10)
    await shop.until_no_jobs()
    assert sorted(seen) == sorted(names)
    assert 1 < most <= 20


async def test_a_batch_is_returned_at_once_when_nobody_waits_for_it_any_more(shop, connection):
    """Long before its ack_wait of 30 s."""
    config = provision.job_consumer(shop.names, "k", ack_wait_seconds=30.0, concurrency=10)
    leaving, staying = Puller(connection, config), Puller(connection, config)
    await leaving.bind()
    await staying.bind()
    pull = asyncio.create_task(leaving.next(5, 1.0))
    await asyncio.sleep(0)
    for _ in range(3):
        await shop.submit()
    pull.cancel()
    await asyncio.wait({pull})
    closing = asyncio.create_task(leaving.close())
    found = []
    async with asyncio.timeout(15):
        while len({delivery.subject for delivery in found}) < 3:
            found += await staying.next(3, 0.2)
    await closing
    await staying.close()


async def test_consumer_follows_the_settings(shop):
    for ack_wait in (1.0, 2.0):
        shop.settings = msgspec.structs.replace(SETTINGS, ack_wait_seconds=ack_wait)
        shop.open(lambda job: None)
        await shop.until(await shop.submit(), "completed")
        await shop.stop_pulling()
        info = await shop.js.consumer_info(shop.names.jobs_stream, "k")
        assert info.config.ack_wait == ack_wait


@pytest.mark.parametrize("lost", ["consumer", "stream"])
async def test_deleted_queue_is_recreated(shop, lost):
    worker = shop.open(lambda job: None)
    await shop.until(await shop.submit(), "completed")
    await shop.until_no_jobs()
    if lost == "consumer":
        await shop.js.delete_consumer(shop.names.jobs_stream, "k")
    else:
        await shop.js.delete_stream(shop.names.jobs_stream)

    async def bound():
        return worker.bound and await consumers(shop)

    await until(bound)
    await shop.until(await shop.submit(), "completed")


async def consumers(shop):
    try:
        return await shop.js.consumers_info(shop.names.jobs_stream)
    except Exception:  # noqa: BLE001 - the stream is gone
        return []


async def test_worker_goes_on_after_nats_was_away(own_nats_server, names):
    connection = Connection(NatsSettings(url=own_nats_server.url, namespace=names.namespace), "test")
    await connection.open()
    await provision.ensure(connection.client.jetstream(), names)
    crowd = Crowd()
    async with opened(connection) as shop:
        shop.open(crowd.handler)
        during = await shop.submit()
        await crowd.until(1)
        own_nats_server.restart()
        crowd.door.set()
        assert (await shop.until(during, "completed", "error")).status == "completed"
        await until(lambda: shop.workers[0].bound and connection.connected, 15)
        assert (await shop.until(await shop.submit(), "completed")).attempt == 1
    await connection.close()
