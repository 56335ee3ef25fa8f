"""Tasks that begin later, by a real streamer and real processors on a real NATS."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from headway import codec
from headway.eventlog.chain import read_head
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import is_terminal
from headway.jetstream.connection import NatsSettings
from headway.jetstream.kv import Bucket
from headway.kind import Registry
from headway.records import JobMessage, ScheduledJob
from headway.task import task
from headway_processor.app import Processor
from headway_processor.settings import Settings
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer

SETTINGS = Settings(ops_host="127.0.0.1", ops_port=0, grace_seconds=5.0, interval_seconds=0.01)


@pytest.fixture(autouse=True)
def short_polls(monkeypatch):
    """A worker closes when its last request has ended."""
    monkeypatch.setattr("headway_processor.worker.POLL_SECONDS", 0.1)


class House:
    """A kind that notes when its tasks have begun, and processors that run it."""

    def __init__(self, nats_server, connection):
        self.url, self.names = nats_server.url, connection.names
        self.log = JetStreamLog(connection.client, self.names)
        self.scheduled = Bucket(connection.client, self.names.scheduled_bucket)
        self.begun = {}
        self.registry = Registry()

        @task("note", registry=self.registry)
        async def note(job) -> None:
            self.begun.setdefault(job.task, []).append(time.time())

    @asynccontextmanager
    async def processor(self):
        processor = Processor(SETTINGS, NatsSettings(url=self.url, namespace=self.names.namespace), self.registry)
        running = asyncio.create_task(processor.run())
        await until(lambda: processor.ready or running.done(), 20)
        try:
            yield processor
        finally:
            processor.stop()
            assert await running is True

    async def submit(self, streamer, **body):
        answer = await streamer.http.post("/api/v1/tasks", json={"kind": "note"} | body)
        assert answer.status_code == 202, answer.text
        return answer.json()["task"]

    async def end(self, task, seconds=20.0):
        """The last event of a task, once it has ended."""

        async def ended():
            event = (await read_head(self.log, task)).event
            return event is not None and is_terminal(event)

        await until(ended, seconds)
        return (await read_head(self.log, task)).event

    async def empty(self, seconds=20.0):
        """Return when nothing waits any more."""

        async def none():
            return not await self.scheduled.count()

        await until(none, seconds)


@pytest.fixture
def house(nats_server, connection):
    return House(nats_server, connection)


async def test_a_task_begins_at_its_time_and_not_before_and_its_log_says_so(house, nats_server, names):
    async with run_streamer(nats_server.url, names.namespace) as streamer, house.processor():
        run_at = time.time() + 2
        at_once = await house.submit(streamer)
        later = await house.submit(streamer, run_at=run_at)
        await house.end(at_once)
        shown = (await streamer.http.get(f"/api/v1/tasks/{later}")).json()
        assert (shown["state"]["status"], shown["state"]["message"][:9]) == ("queued", "begins at")
        assert (await house.end(later)).status == "completed"
        [begun] = house.begun[later]
        assert begun >= run_at
        await house.empty()


async def test_a_cancelled_task_ends_at_once_never_begins_and_can_be_deleted_with_its_entry(house, nats_server, names):
    async with run_streamer(nats_server.url, names.namespace) as streamer, house.processor():
        later = await house.submit(streamer, run_at=time.time() + 3600)
        assert await house.scheduled.get(later) is not None
        assert (await streamer.http.post(f"/api/v1/tasks/{later}/cancel", json={})).status_code == 202
        assert (await house.end(later)).status == "cancelled"
        assert (await streamer.http.delete(f"/api/v1/tasks/{later}")).status_code == 202
        await house.empty()
        assert house.begun == {}


async def test_a_processor_that_starts_again_puts_in_the_queue_what_was_due_meanwhile(house, nats_server, names):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        async with house.processor():
            later = await house.submit(streamer, run_at=time.time() + 0.5)
            far = await house.submit(streamer, run_at=time.time() + 3600)
        run_at = (await streamer.http.get(f"/api/v1/tasks/{later}")).json()["run_at"]
        await until(lambda: time.time() > run_at)
        async with house.processor(), house.processor():
            assert (await house.end(later)).status == "completed"
        assert (len(house.begun[later]), list(house.begun)) == (1, [later])
        assert (await read_head(house.log, far)).event.status == "queued"


async def test_two_thousand_that_begin_later_do_not_delay_one_that_begins_now(house, nats_server, names):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        run_at = time.time() + 3600
        jobs = [JobMessage(task=f"s{n}", kind="note") for n in range(2000)]
        for start in range(0, len(jobs), 200):
            await asyncio.gather(
                *(
                    house.scheduled.create(job.task, codec.encode_json(ScheduledJob(run_at=run_at, job=job)))
                    for job in jobs[start : start + 200]
                )
            )
        async with house.processor():
            ends = []
            for _ in range(5):
                submitted = time.time()
                await house.end(await house.submit(streamer))
                ends.append(time.time() - submitted)
            info = await streamer.components.connection.client.jetstream().consumer_info(names.jobs_stream, "note")
            # In no queue and in no delivery, where the server would let a bounded number wait.
            assert (info.num_pending, info.num_ack_pending) == (0, 0)
            assert await house.scheduled.count() == 2000
            assert min(ends) < 1
