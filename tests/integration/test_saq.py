"""Jobs of SAQ on a real Redis, run by its worker in this process, as tasks in a real NATS."""

import asyncio
import logging
import threading

import pytest
from pytest_asyncio import fixture
from saq import Job, Queue, Status, Worker

import headway.saq
from tests.fixtures.condition import until
from tests.fixtures.redis import run_redis
from tests.fixtures.reporting import reporting

pytestmark = [pytest.mark.needs("redis-server"), pytest.mark.asyncio(loop_scope="module")]


class QuietWorker(Worker):
    """One that leaves the signals of this process alone."""

    SIGNALS = ()


async def count(ctx, number):
    job = headway.current_job()
    job.step("counting")
    logging.getLogger("shop").warning("begins")
    for _ in headway.track(range(number), unit="numbers"):
        pass
    return {"counted": number}


def count_in_thread(ctx, number):
    assert threading.current_thread() is not threading.main_thread()
    return sum(1 for _ in headway.track(range(number)))


async def update(ctx):
    await ctx["job"].update(progress=0.5)
    await ctx["job"].update(meta={"progress": {"current": 3, "total": 4}, "message": "nearly"})


async def flaky(ctx):
    if headway.current_job().attempt == 1:
        raise ConnectionError("try again")


async def failing(ctx):
    int("seven")


async def endless(ctx):
    await asyncio.sleep(600)


async def patient(ctx):
    for _ in headway.track(iter(int, 1)):
        await asyncio.sleep(0.01)


async def parent(ctx):
    return (await ctx["job"].queue.enqueue("count", number=1)).key


async def connected(queue):
    """A queue that is not swept: a worker that starts takes a job that was just dequeued for a stuck one."""
    await queue.connect()
    await queue.redis.set(queue._sweep, 1)
    return queue


FUNCTIONS = [count, count_in_thread, update, flaky, failing, endless, patient, parent]


@pytest.fixture(scope="module")
def reported(nats_server):
    with reporting(nats_server.url) as reported:
        yield reported


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    with run_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@fixture(scope="module", loop_scope="module")
async def idle_queue(reported, redis_url):
    """A queue whose worker a test starts."""
    queue = await connected(headway.saq.connect(Queue.from_url(redis_url, name="idle")))
    yield queue
    await queue.disconnect()


@fixture(scope="module", loop_scope="module")
async def queue(reported, redis_url):
    """A queue with a worker that looks often whether a job is aborted."""
    queue = await connected(headway.saq.connect(Queue.from_url(redis_url, name="jobs")))
    timers = {"abort": 0.05}
    worker = QuietWorker(queue, FUNCTIONS, concurrency=2, dequeue_timeout=0.1, timers=timers, **headway.saq.hooks)
    running = asyncio.create_task(worker.start())
    yield queue
    worker.event.set()
    await running
    await queue.disconnect()


@pytest.mark.feature("saq", "progress")
@pytest.mark.feature("saq", "step")
@pytest.mark.feature("saq", "log")
@pytest.mark.feature("saq", "result")
async def test_a_job_is_a_task_with_progress_lines_and_a_result(reported, queue):
    task = (await queue.enqueue("count", number=1000, meta={"title": "Count", "tags": ["numbers"]})).key
    end = await reported.end(task)
    assert (end.status, end.data, end.done, end.unit) == ("completed", {"counted": 1000}, 1000, "numbers")
    assert "counting" in {event.step for event in await reported.progress(task)}
    assert await reported.lines(task) == ["begins"]
    record = await reported.record(task)
    assert (record.kind, record.title, record.tags) == ("count", "Count", ["numbers"])


async def test_a_function_that_runs_in_a_thread_reports_too(reported, queue):
    end = await reported.end((await queue.enqueue("count_in_thread", number=10)).key)
    assert (end.data, end.done) == (10, 10)


@pytest.mark.feature("saq", "progress")
async def test_what_a_job_updates_is_its_progress(reported, queue):
    end = await reported.end((await queue.enqueue("update")).key)
    assert (end.status, end.done, end.total) == ("completed", 3, 4)


async def test_a_job_can_be_watched_from_when_it_is_enqueued_and_its_task_ends_when_it_is_aborted(reported, idle_queue):
    job = await idle_queue.enqueue("count", number=1)
    assert [event.status for event in await reported.progress(job.key)] == ["queued"]
    await job.abort("not any more")
    assert (await reported.end(job.key)).message == "cancelled: not any more"


@pytest.mark.feature("saq", "retry")
async def test_a_job_that_is_retried_is_the_same_task_in_another_attempt(reported, queue):
    task = (await queue.enqueue("flaky", retries=2)).key
    end = await reported.end(task)
    assert (end.status, end.attempt, end.failed) == ("completed", 2, 1)
    assert await reported.statuses(task) == ["queued", "processing", "retrying", "processing", "completed"]


@pytest.mark.feature("saq", "error with traceback")
async def test_a_job_that_raises_ends_in_error_with_its_traceback(reported, queue):
    end = await reported.end((await queue.enqueue("failing")).key)
    assert (end.status, end.error.type) == ("error", "ValueError")
    assert "in failing" in end.error.traceback


@pytest.mark.feature("saq", "cancel")
@pytest.mark.parametrize("function", ["endless", "patient"])
async def test_a_job_whose_task_is_cancelled_is_aborted_and_not_retried(reported, queue, function):
    job = await queue.enqueue(function, retries=3, timeout=600)
    await reported.running(job.key)
    await reported.cancel(job.key)
    end = await reported.end(job.key)
    assert (end.status, end.message, end.attempt) == ("cancelled", "cancelled: enough", 1)
    await until(lambda: ended(job), 30)


async def ended(job):
    await job.refresh()
    return job.status in (Status.ABORTED, Status.FAILED)


@pytest.mark.feature("saq", "cancel")
async def test_the_task_of_a_job_that_is_aborted_is_cancelled(reported, queue):
    job = await queue.enqueue("endless", timeout=600)
    await reported.running(job.key)
    await job.abort("not any more")
    assert (await reported.end(job.key)).message == "cancelled: not any more"


async def test_a_job_whose_task_is_cancelled_while_it_waits_is_not_run(reported, idle_queue):
    job = await idle_queue.enqueue("failing")
    await reported.cancel(job.key)
    worker = QuietWorker(idle_queue, FUNCTIONS, burst=True, dequeue_timeout=0.1, **headway.saq.hooks)
    await worker.start()
    await job.refresh()
    assert ((await reported.end(job.key)).status, job.status) == ("cancelled", Status.ABORTED)


@pytest.mark.feature("saq", "children")
async def test_what_a_job_enqueues_is_a_part_of_it(reported, queue):
    task = (await queue.enqueue("parent")).key
    child = (await reported.end(task)).data
    assert (await reported.end(child)).status == "completed"
    assert (await reported.record(child)).parent == task


async def test_the_how_to_is_a_task(reported, redis_url, printed):
    names = {"__name__": "example"}
    exec(printed[0].text.replace("redis://localhost:6379/0", redis_url), names)
    settings, queue = names["settings"], await connected(names["queue"])
    job = await queue.enqueue(Job("import_rows", kwargs={"count": 1000}, meta={"title": "Import of the night"}))
    await QuietWorker(**settings, burst=True, dequeue_timeout=0.1).start()
    await queue.disconnect()
    end = await reported.end(job.key)
    assert (end.status, end.done, (await reported.record(job.key)).title) == ("completed", 1000, "Import of the night")
