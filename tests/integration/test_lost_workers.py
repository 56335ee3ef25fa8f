"""Workers of task queues that are killed: a processor ends what they ran as lost."""

import asyncio
import sys
from contextlib import AsyncExitStack

import pytest

from headway.jetstream.connection import NatsSettings
from headway.kind import Registry
from headway_processor.app import Processor
from headway_processor.settings import Settings
from tests.fixtures.pages import ROOT
from tests.fixtures.redis import run_redis
from tests.fixtures.reporting import reporting

DRAMATIQ = """
import dramatiq, time
from dramatiq.brokers.stub import StubBroker
from headway.dramatiq import Headway
broker = StubBroker()
broker.add_middleware(Headway())
endless = dramatiq.actor(lambda: time.sleep(600), broker=broker, actor_name="endless")
print(endless.send().message_id, flush=True)
dramatiq.Worker(broker, worker_threads=1).start()
time.sleep(600)
"""
RQ = """
import sys
from redis import Redis
from headway.rq import Queue, SimpleWorker
from tests.fixtures.rq_jobs import endless
queue = Queue(connection=Redis.from_url(sys.argv[1]))
print(queue.enqueue(endless).id, flush=True)
SimpleWorker([queue], connection=queue.connection).work()
"""
TASKIQ = """
import asyncio, headway.taskiq
from taskiq import InMemoryBroker
broker = InMemoryBroker().with_middlewares(headway.taskiq.Headway())
async def endless() -> None:
    await asyncio.sleep(600)
async def main():
    print((await broker.task(endless).kiq()).task_id, flush=True)
    await broker.wait_all()
asyncio.run(main())
"""
SAQ = """
import asyncio, headway.saq, sys
from saq import Queue, Worker
async def endless(ctx):
    await asyncio.sleep(600)
async def main():
    queue = headway.saq.connect(Queue.from_url(sys.argv[1]))
    await queue.connect()
    await queue.redis.set(queue._sweep, 1)  # or a worker that starts sweeps it
    print((await queue.enqueue("endless", timeout=600)).key, flush=True)
    await Worker(queue, [endless], **headway.saq.hooks).start()
asyncio.run(main())
"""
ARQ = """
import asyncio, headway.arq, sys
from arq.connections import RedisSettings
from arq.worker import create_worker
redis = RedisSettings.from_dsn(sys.argv[1])
async def endless(ctx):
    await asyncio.sleep(600)
@headway.arq.connect
class WorkerSettings:
    functions = [endless]
    redis_settings = redis
async def main():
    pool = await headway.arq.create_pool(redis)
    print((await pool.enqueue_job("endless")).job_id, flush=True)
    await create_worker(WorkerSettings).async_run()
asyncio.run(main())
"""
WORKERS = (DRAMATIQ, RQ, TASKIQ, SAQ, ARQ)


@pytest.fixture
def reported(nats_server):
    with reporting(nats_server.url, renew_seconds=0.2) as reported:
        yield reported


@pytest.fixture
def redis_url(tmp_path):
    with run_redis(tmp_path) as url:
        yield url


@pytest.fixture
async def processor(reported):
    """One that gives workers up soon."""
    nats = NatsSettings(url=reported.environment["HEADWAY_NATS_URL"], namespace=reported.names.namespace)
    processor = Processor(Settings(ops_port=0, reporter_lost_seconds=2.0), nats, Registry())
    running = asyncio.create_task(processor.run())
    yield processor
    processor.stop()
    await running


@pytest.mark.needs("redis-server")
@pytest.mark.feature("rq", "lost")
@pytest.mark.feature("dramatiq", "lost")
@pytest.mark.feature("taskiq", "lost")
@pytest.mark.feature("saq", "lost")
@pytest.mark.feature("arq", "lost")
async def test_what_a_worker_ran_that_is_killed_is_lost(reported, redis_url, processor, tmp_path):
    async with AsyncExitStack() as stack:
        workers = await asyncio.gather(*(_start(stack, script, redis_url, tmp_path) for script in WORKERS))
        for _, task in workers:
            await reported.running(task)
        for worker, _ in workers:
            worker.kill()
        ends = [await reported.end(task) for _, task in workers]
    assert [(end.status, end.error.type) for end in ends] == [("error", "Lost")] * len(workers)


async def _start(stack, script, redis_url, folder):
    """A process, and the task that it prints."""
    with (folder / "log").open("ab") as log:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, redis_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=log
        )
    stack.push_async_callback(worker.wait)
    stack.callback(_kill, worker)
    task = (await asyncio.wait_for(worker.stdout.readline(), 60)).decode().strip()
    assert task, (folder / "log").read_text()
    return worker, task


def _kill(worker):
    if worker.returncode is None:
        worker.kill()
