"""Messages of Dramatiq, sent and processed with its broker in memory, as tasks in a real NATS."""

import dataclasses
import logging
import threading
import time

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

import headway
from headway.dramatiq import Cancelled, Headway
from tests.fixtures.condition import holds
from tests.fixtures.redis import run_redis
from tests.fixtures.reporting import reporting, unreachable


class Bench:
    """A broker with a worker of two threads, and actors that do what a test needs."""

    def __init__(self, reported):
        self.reported = reported
        self.going_on = threading.Event()
        self.raised, self.ran_again = [], []
        self.broker = broker = StubBroker()
        broker.add_middleware(Headway())
        options = {"broker": broker, "max_retries": 1, "min_backoff": 1, "max_backoff": 1}
        self.count = dramatiq.actor(self._count, actor_name="count", title="Count to {0}", tags=["numbers"], **options)
        self.flaky = dramatiq.actor(self._flaky, actor_name="flaky", **options)
        self.failing = dramatiq.actor(self._failing, actor_name="failing", **options)
        self.endless = dramatiq.actor(self._endless, actor_name="endless", **options)
        self.parent = dramatiq.actor(self._parent, actor_name="parent", **options)
        self.again = dramatiq.actor(self._again, actor_name="again", **options)
        self.expiring = dramatiq.actor(self._count, actor_name="expiring", max_age=1, **options)
        self.worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=2)

    def stop(self):
        self.going_on.set()
        self.worker.stop()
        self.broker.close()

    def _count(self, number):
        job = headway.current_job()
        job.step("counting")
        logging.getLogger("shop").warning("begins")
        for _ in headway.track(range(number), unit="numbers"):
            pass
        return {"counted": number}

    def _flaky(self):
        if headway.current_job().attempt == 1:
            raise ConnectionError("try again")

    def _failing(self):
        int("seven")

    def _endless(self):
        try:
            while not self.going_on.is_set():
                time.sleep(0.01)
        except Cancelled as error:
            self.raised.append(error)
            raise

    def _again(self, task):
        self.ran_again.append(headway.current_job().task)

    def _parent(self):
        return [self.count.send(2).message_id, headway.current_job().task]


@pytest.fixture(scope="module")
def reported(nats_server):
    with reporting(nats_server.url) as reported:
        yield reported


@pytest.fixture(scope="module")
def bench(reported):
    bench = Bench(reported)
    bench.worker.start()
    yield bench
    bench.stop()


@pytest.fixture
def idle_bench(reported):
    """One whose worker the test starts."""
    bench = Bench(reported)
    yield bench
    bench.stop()


@pytest.mark.feature("dramatiq", "progress")
@pytest.mark.feature("dramatiq", "step")
@pytest.mark.feature("dramatiq", "log")
@pytest.mark.feature("dramatiq", "result")
async def test_a_message_is_a_task_with_progress_lines_and_a_result(reported, bench):
    task = bench.count.send(1000).message_id
    end = await reported.end(task)
    assert (end.status, end.data, end.done, end.unit) == ("completed", {"counted": 1000}, 1000, "numbers")
    assert "counting" in {event.step for event in await reported.progress(task)}
    assert await reported.lines(task) == ["begins"]
    record = await reported.record(task)
    assert (record.kind, record.title, record.tags) == ("count", "Count to {0}", ["numbers"])


async def test_a_message_can_be_watched_from_when_it_is_sent(reported, idle_bench):
    task = idle_bench.count.send_with_options(args=(1,), title="Now", tags=["a", "b"]).message_id
    assert [event.status for event in await reported.progress(task)] == ["queued"]
    record = await reported.record(task)
    assert (record.kind, record.title, record.tags) == ("count", "Now", ["a", "b"])


@pytest.mark.feature("dramatiq", "retry")
async def test_a_message_that_is_retried_is_the_same_task_in_another_attempt(reported, bench):
    task = bench.flaky.send().message_id
    end = await reported.end(task)
    assert (end.status, end.attempt, end.failed) == ("completed", 2, 1)
    assert await reported.statuses(task) == ["queued", "processing", "retrying", "processing", "completed"]


@pytest.mark.feature("dramatiq", "error with traceback")
async def test_a_message_without_retries_left_ends_in_error_with_its_traceback(reported, bench):
    end = await reported.end(bench.failing.send().message_id)
    assert (end.status, end.attempt, end.error.type) == ("error", 2, "ValueError")
    assert "in Bench._failing" in end.error.traceback


@pytest.mark.feature("dramatiq", "cancel")
async def test_an_actor_whose_task_is_cancelled_is_interrupted_and_not_retried(reported, bench):
    task = bench.endless.send().message_id
    await reported.running(task)
    await reported.cancel(task)
    end = await reported.end(task)
    assert (end.status, end.message, end.attempt) == ("cancelled", "cancelled: enough", 1)
    assert len(bench.raised) == 1


async def test_a_message_that_is_cancelled_while_it_waits_is_skipped(reported, idle_bench):
    task = idle_bench.failing.send().message_id
    await reported.cancel(task)
    idle_bench.worker.start()
    end = await reported.end(task)
    assert (end.status, await reported.statuses(task)) == ("cancelled", ["queued", "cancelled"])
    idle_bench.broker.join("default")  # an actor that fails would raise here


@pytest.mark.feature("dramatiq", "children")
async def test_what_an_actor_sends_and_the_rest_of_a_pipeline_are_parts_of_it(reported, bench):
    messages = [bench.parent.message(), bench.count.message_with_options(args=(3,), pipe_ignore=True)]
    pipeline = dramatiq.pipeline(messages, broker=bench.broker).run()
    first, second = (message.message_id for message in pipeline.messages)
    child, task = (await reported.end(first)).data
    await reported.end(second)
    assert (task, (await reported.record(child)).parent, (await reported.record(second)).parent) == (first,) * 3


async def test_a_message_that_another_middleware_skips_ends_in_error(reported, bench):
    message = bench.expiring.message(1)
    bench.broker.enqueue(dataclasses.replace(message, message_timestamp=message.message_timestamp - 10_000))
    end = await reported.end(message.message_id)
    assert (end.status, end.error.type) == ("error", "Skipped")


async def test_a_message_that_is_sent_again_after_its_end_is_a_new_task(reported, bench):
    task = bench.failing.send().message_id
    await reported.end(task)
    bench.broker.enqueue(dataclasses.replace(bench.again.message(task), message_id=task))
    assert await holds(lambda: bench.ran_again, 30)
    end = await reported.end(bench.ran_again[0])
    record = await reported.record(bench.ran_again[0])
    assert (end.status, record.parent, record.task.startswith(task)) == ("completed", task, True)


def test_an_actor_runs_as_before_while_nats_is_unreachable(idle_bench):
    with unreachable():
        task = idle_bench.again.send("").message_id
        idle_bench.worker.start()
        idle_bench.broker.join("default", timeout=60_000)
    assert idle_bench.ran_again == [task]


@pytest.mark.needs("redis-server")
async def test_the_how_to_is_a_task(reported, tmp_path, printed):
    with run_redis(tmp_path) as url:
        names = {"__name__": "example"}
        try:
            exec(printed[0].text.replace("redis://localhost:6379/0", url), names)
            worker = dramatiq.Worker(names["broker"], worker_timeout=50, worker_threads=1)
            worker.start()
            task = names["import_rows"].send(1000).message_id
            end = await reported.end(task)
            worker.stop()
            names["broker"].close()
        finally:
            dramatiq.broker.global_broker = None
    assert (end.status, end.done, (await reported.record(task)).title) == ("completed", 1000, "Import of the night")
