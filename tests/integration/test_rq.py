"""Jobs of RQ on a real Redis, run by its own command with the worker of the adapter, as tasks in a real NATS."""

import os
import shlex
import subprocess
import sys
from contextlib import suppress

import pytest
from redis import Redis
from rq import Retry
from rq.command import send_stop_job_command
from rq.job import JobStatus

import headway.rq
from tests.fixtures import rq_jobs as jobs
from tests.fixtures.condition import holds
from tests.fixtures.pages import ROOT
from tests.fixtures.process import start_process
from tests.fixtures.redis import run_redis
from tests.fixtures.reporting import reporting

pytestmark = pytest.mark.needs("redis-server")


@pytest.fixture(scope="module")
def reported(nats_server):
    with reporting(nats_server.url) as reported:
        yield reported


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    with run_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="module")
def connection(redis_url):
    with Redis.from_url(redis_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def queue(reported, redis_url, connection, tmp_path_factory):
    """A queue with a worker."""
    command = [sys.executable, "-m", "rq.cli", "worker", "jobs", "--url", redis_url]
    command += ["--worker-class", "tests.fixtures.rq_jobs.Worker", "--with-scheduler"]
    log = tmp_path_factory.mktemp("rq") / "log"
    with log.open("wb") as output:
        worker = start_process(command, cwd=ROOT, stdout=output, stderr=output, env=os.environ.copy())
    yield headway.rq.Queue("jobs", connection=connection)
    worker.terminate()
    with suppress(subprocess.TimeoutExpired):
        worker.wait(20)
    worker.kill()
    print(log.read_text())


@pytest.fixture
def idle_queue(reported, connection):
    """A queue without a worker."""
    return headway.rq.Queue("idle", connection=connection)


@pytest.mark.feature("rq", "progress")
@pytest.mark.feature("rq", "step")
@pytest.mark.feature("rq", "log")
@pytest.mark.feature("rq", "result")
async def test_a_job_is_a_task_with_progress_lines_and_a_result(reported, queue):
    task = queue.enqueue(jobs.count, 1000, meta={"title": "Count", "tags": ["numbers"]}).id
    end = await reported.end(task)
    assert (end.status, end.data, end.done, end.unit) == ("completed", {"counted": 1000}, 1000, "numbers")
    assert "counting" in {event.step for event in await reported.progress(task)}
    assert await reported.lines(task) == ["begins"]
    record = await reported.record(task)
    assert (record.kind, record.title, record.tags) == ("count", "Count", ["numbers"])


@pytest.mark.feature("rq", "progress")
async def test_what_a_job_stores_as_its_meta_data_is_its_progress(reported, queue):
    end = await reported.end(queue.enqueue(jobs.store_meta, description="Store it").id)
    assert (end.status, end.done, end.total, end.message) == ("completed", 3, 4, "nearly")


async def test_a_job_can_be_watched_from_when_it_is_enqueued_and_its_task_ends_when_it_is_cancelled(
    reported, idle_queue
):
    job = idle_queue.enqueue(jobs.count, 1, description="One")
    assert [event.status for event in await reported.progress(job.id)] == ["queued"]
    assert (await reported.record(job.id)).title == "One"
    job.cancel()
    assert (await reported.end(job.id)).status == "cancelled"


@pytest.mark.feature("rq", "retry")
async def test_a_job_that_is_retried_is_the_same_task_in_another_attempt(reported, queue):
    raising, returning = (
        queue.enqueue(jobs.flaky, retry=Retry(max=2)).id,
        queue.enqueue(jobs.ask_again).id,
    )
    for task in (raising, returning):
        end = await reported.end(task)
        assert (end.status, end.attempt, end.failed) == ("completed", 2, 1)
        assert await reported.statuses(task) == ["queued", "processing", "retrying", "processing", "completed"]


@pytest.mark.feature("rq", "error with traceback")
async def test_a_job_that_raises_ends_in_error_with_its_traceback(reported, queue):
    job = queue.enqueue(jobs.failing)
    end = await reported.end(job.id)
    assert (end.status, end.error.type) == ("error", "ValueError")
    assert "in failing" in end.error.traceback
    assert await holds(lambda: job.get_status() == JobStatus.FAILED, 30)


@pytest.mark.feature("rq", "cancel")
@pytest.mark.parametrize("function", [jobs.endless, jobs.patient])
async def test_a_job_whose_task_is_cancelled_is_stopped_and_not_retried(reported, queue, function):
    job = queue.enqueue(function, retry=Retry(max=2))
    await reported.running(job.id)
    await reported.cancel(job.id)
    end = await reported.end(job.id)
    assert (end.status, end.attempt) == ("cancelled", 1)
    assert await holds(lambda: job.get_status() == JobStatus.STOPPED, 30)


@pytest.mark.feature("rq", "cancel")
async def test_the_task_of_a_job_that_is_stopped_is_cancelled(reported, queue, connection):
    job = queue.enqueue(jobs.endless)
    await reported.running(job.id)
    send_stop_job_command(connection, job.id)
    assert (await reported.end(job.id)).message == "cancelled: stopped"


async def test_a_job_whose_task_is_cancelled_while_it_waits_is_not_run(reported, queue, idle_queue):
    job = idle_queue.enqueue(jobs.failing)
    await reported.cancel(job.id)
    queue.enqueue_job(job)
    assert (await reported.end(job.id)).status == "cancelled"
    assert await holds(lambda: job.get_status() == JobStatus.STOPPED, 30)


async def test_a_job_whose_process_is_killed_ends_in_error(reported, queue):
    end = await reported.end(queue.enqueue(jobs.kill_self).id)
    assert (end.status, end.error.type) == ("error", "Lost")
    assert "signal 9" in end.error.message


@pytest.mark.feature("rq", "children")
async def test_what_a_job_enqueues_or_precedes_is_a_part_of_it(reported, queue, redis_url):
    first = queue.enqueue(jobs.enqueue_another, "jobs", redis_url)
    second = queue.enqueue(jobs.count, 1, depends_on=first)
    child = (await reported.end(first.id)).data
    for task in (child, second.id):
        assert (await reported.end(task)).status == "completed"
        assert (await reported.record(task)).parent == first.id


async def test_the_how_to_is_a_task(reported, redis_url, tmp_path, printed, capsys, monkeypatch):
    enqueues, command, job = (block.text.replace("redis://localhost:6379/0", redis_url) for block in printed)
    (tmp_path / "imports.py").write_text(job)
    monkeypatch.syspath_prepend(tmp_path)
    exec(enqueues, {"__name__": "example"})
    del sys.modules["imports"]
    rq, *words = shlex.split(command)
    worker = start_process(
        [sys.executable, "-m", "rq.cli", *words, "--burst"],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    end = await reported.end(capsys.readouterr().out.strip())
    assert (rq, worker.wait(30)) == ("rq", 0)
    assert (end.status, end.done, end.total) == ("completed", 900, 1000)
    assert (await reported.record(end.task)).title == "Import of the night"
