"""Handlers that submit others and wait for them, on a real NATS and with real processors."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager

import msgspec
import pytest

from headway import codec
from headway.errors import ChildFailedError, TaskError
from headway.eventlog.cancel_request import request_cancel
from headway.eventlog.chain import read_head
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import Progress, is_terminal
from headway.jetstream.connection import NatsSettings
from headway.jetstream.kv import Bucket
from headway.kind import Registry
from headway.records import JobMessage, decode_task
from headway.task import task
from headway_processor.app import Processor
from headway_processor.settings import Settings
from tests.fixtures.condition import until
from tests.fixtures.process import start_process

SETTINGS = Settings(ops_host="127.0.0.1", ops_port=0, grace_seconds=5.0, interval_seconds=0.01)


@pytest.fixture(autouse=True)
def short_polls(monkeypatch):
    """A worker closes when its last request has ended."""
    monkeypatch.setattr("headway_processor.worker.POLL_SECONDS", 0.1)


class Params(msgspec.Struct):
    depth: int = 0
    fail: bool = False


class Part(msgspec.Struct):
    n: int


class House:
    """A processor, and what a client sees of its tasks."""

    def __init__(self, connection):
        self.connection = connection
        self.log = JetStreamLog(connection.client, connection.names)
        self.records = Bucket(connection.client, connection.names.tasks_bucket)
        self.registry = Registry()

    def kind(self, name, **options):
        return task(name, registry=self.registry, **options)

    async def submit(self, kind, params=b"{}", *, name="p1", owner=""):
        job = JobMessage(task=name, kind=kind, params=codec.raw(params), owner=owner)
        await self.connection.client.jetstream().publish(self.connection.names.job(kind, name), codec.encode_json(job))

    async def end(self, name="p1", seconds=20.0):
        """The last event of a task, once it has ended."""

        async def ended():
            event = (await read_head(self.log, name)).event
            return event is not None and is_terminal(event)

        await until(ended, seconds)
        return (await read_head(self.log, name)).event

    async def progress(self, name):
        return [
            event for stored in await self.log.read(name) if isinstance(event := codec.decode(stored.payload), Progress)
        ]

    async def children(self):
        """The records of all tasks that were submitted by others."""
        return [decode_task(entry.value, entry.key) for entry in await self.records.page(1)]

    @asynccontextmanager
    async def open(self, nats_server, **settings):
        nats = NatsSettings(url=nats_server.url, namespace=self.connection.names.namespace)
        processor = Processor(msgspec.structs.replace(SETTINGS, **settings), nats, self.registry)
        running = asyncio.create_task(processor.run())
        await until(lambda: processor.ready or running.done())
        try:
            yield processor
        finally:
            processor.stop()
            assert await running is True


@pytest.fixture
def house(connection):
    return House(connection)


async def test_parents_do_not_hold_the_only_slot_while_they_wait(house, nats_server):
    @house.kind("tree", concurrency=1)
    async def tree(job, params: Params) -> int:
        if params.depth == 0:
            return 1
        children = [await job.submit("tree", {"depth": params.depth - 1}, key=str(n)) for n in range(2)]
        return 1 + sum(await job.gather(*children))

    async with house.open(nats_server, concurrency=1):
        await house.submit("tree", b'{"depth": 3}', owner="ann")
        end = await house.end()
    assert (end.status, end.data, end.done, end.total, end.unit) == ("completed", 15, 2.0, 2.0, "parts")
    children = await house.children()
    assert (len(children), {child.owner for child in children}) == (14, {"ann"})
    assert (
        sorted([child.parent for child in children].count(task) for task in {child.parent for child in children})
        == [2] * 7
    )
    bars = [event.progress for event in await house.progress("p1")]
    assert bars == sorted(bars)


async def test_a_handler_in_a_thread_blocks_its_thread_and_no_slot(house, nats_server):
    @house.kind("parts", concurrency=1)
    def parts(job, params: Params) -> list:
        if params.depth == 0:
            return job.kind
        children = [job.blocking.submit("parts", {}, key=str(n)) for n in range(3)]
        ended = [child.result() for child in job.blocking.as_completed(*children)]
        return ended + job.blocking.gather(*children)

    async with house.open(nats_server, concurrency=1):
        await house.submit("parts", b'{"depth": 1}')
        assert (await house.end()).data == ["parts"] * 6


@pytest.fixture
def mixed(house):
    """A kind whose tasks fail or run on until they are cancelled, and a parent of both with each policy."""

    @house.kind("work")
    async def work(job, params: Params):
        if params.fail:
            raise TaskError("no luck", type="Unlucky")
        if params.depth:
            await asyncio.Event().wait()
        return "fine"

    @house.kind("cancels")
    async def cancels(job):
        await job.gather(await job.submit("work", {"depth": 1}), await job.submit("work", {"fail": True}))

    @house.kind("continues")
    async def continues(job):
        children = [await job.submit("work", {"fail": True}), await job.submit("work")]
        failed, fine = await job.gather(*children, on_failure="continue")
        assert isinstance(failed, ChildFailedError)
        return [failed.child, failed.error_type, fine]

    @house.kind("waits")
    async def waits(job):
        child = await job.submit("work", {"depth": 1})
        job.log(child.task)
        await child

    @house.kind("leaves")
    async def leaves(job):
        await job.submit("work")
        return "left"

    return house


async def statuses(house):
    return {bytes(child.params).decode(): (await house.end(child.task)).status for child in await house.children()}


async def test_the_first_failure_cancels_the_rest(mixed, nats_server):
    async with mixed.open(nats_server):
        await mixed.submit("cancels")
        end = await mixed.end()
        failed = next(child.task for child in await mixed.children() if b"fail" in bytes(child.params))
        assert (end.status, end.error.type, end.error.retryable) == ("error", "ChildFailed", False)
        assert end.error.message == f"child {failed} (work) failed: Unlucky: no luck"
        assert await statuses(mixed) == {'{"depth":1}': "cancelled", '{"fail":true}': "error"}


async def test_with_continue_all_run_to_their_end_and_the_failed_ones_are_reported(mixed, nats_server):
    async with mixed.open(nats_server):
        await mixed.submit("continues")
        end = await mixed.end()
        failed = next(child.task for child in await mixed.children() if b"fail" in bytes(child.params))
        assert (end.status, end.data) == ("completed", [failed, "Unlucky", "fine"])
        logged = [codec.decode(stored.payload) for stored in await mixed.log.read("p1")]
        assert f"child {failed} (work) failed: Unlucky: no luck" in [getattr(event, "message", "") for event in logged]


async def test_a_parent_that_is_cancelled_cancels_its_children_first(mixed, nats_server):
    async with mixed.open(nats_server) as processor:
        await mixed.submit("waits")
        await until(mixed.children)
        child = (await mixed.children())[0].task
        await until(lambda: _begun(mixed, child))
        assert processor._describe().running == 1  # the parent waits
        await request_cancel(mixed.log, "p1", "not needed")
        assert (await mixed.end()).status == "cancelled"
        end = (await read_head(mixed.log, child)).event
        assert (end.status, end.message) == ("cancelled", "cancelled: its parent was cancelled: not needed")


async def _begun(house, task):
    return (await read_head(house.log, task)).attempt > 0


async def test_a_parent_that_returns_ends_after_its_children(mixed, nats_server):
    async with mixed.open(nats_server):
        await mixed.submit("leaves")
        assert (await mixed.end()).data == "left"
        assert await statuses(mixed) == {"{}": "completed"}


async def test_children_end_with_a_parent_that_nobody_runs_any_more(mixed, nats_server):
    async with mixed.open(nats_server, grace_seconds=0.1):
        await mixed.submit("waits")
        await until(mixed.children)
        child = (await mixed.children())[0].task
        await until(lambda: _begun(mixed, child))
    # The processor has handed both back; the parent is cancelled before it runs again.
    await request_cancel(mixed.log, "p1", "given up")
    async with mixed.open(nats_server):
        assert (await mixed.end()).status == "cancelled"
        end = await mixed.end(child)
        assert (end.status, end.message) == ("cancelled", "cancelled: its parent has ended: cancelled")


PARENT = """
from headway import task

@task("parent", retries=1)
async def parent(job):
    children = [await job.submit("part", {"n": n}) for n in range(3)]
    job.step("waiting")
    return await job.gather(*children)
"""


async def test_a_parent_whose_processor_is_killed_finds_its_children(house, nats_server, names, tmp_path):
    (tmp_path / "mytasks.py").write_text(PARENT)
    environ = {
        "HEADWAY_NATS_URL": nats_server.url,
        "HEADWAY_NATS_NAMESPACE": names.namespace,
        "HEADWAY_TASKS": "mytasks",
        "HEADWAY_PROCESSOR_OPS_HOST": "127.0.0.1",
        "HEADWAY_PROCESSOR_OPS_PORT": "0",
        "HEADWAY_PROCESSOR_ACK_WAIT_SECONDS": "1",
    }

    def launch():
        return start_process(
            [sys.executable, "-m", "headway_processor"], cwd=tmp_path, env=environ, stderr=subprocess.DEVNULL
        )

    ran, release = [], asyncio.Event()

    @house.kind("part")
    async def part(job, params: Part) -> int:
        ran.append(params.n)
        await release.wait()
        return params.n * 10

    async with house.open(nats_server):
        with launch() as first:
            await house.submit("parent")
            await until(lambda: len(ran) == 3, 20)
            first.kill()
        with launch() as second:
            await until(lambda: _attempt(house, 2), 20)
            release.set()
            end = await house.end()
            second.kill()
    assert (end.status, end.attempt, end.data) == ("completed", 2, [0, 10, 20])
    assert (sorted(ran), len(await house.children())) == ([0, 1, 2], 3)


async def _attempt(house, attempt):
    return (await read_head(house.log, "p1")).attempt == attempt
