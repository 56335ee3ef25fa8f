"""The adapter of arq, with settings and functions as its worker uses them."""

import asyncio
from datetime import datetime

import arq
import pytest
from arq import Retry, cron, func
from arq.jobs import JobResult

from headway import current_job
from headway.arq import Job, connect, create_pool
from headway.errors import CancelRequestedError, TaskCancelledError
from tests.fixtures.noted_reports import reports as reports


class Pool:
    """Notes what is enqueued, and knows the results that a test says."""

    job_deserializer = None

    def __init__(self):
        self.enqueued, self.waiting, self.results = [], set(), {}

    async def enqueue_job(self, function, *args, _job_id=None, **options):
        if _job_id in self.waiting:
            return None
        self.enqueued.append((function, args, _job_id, options))
        return arq.jobs.Job(_job_id, redis=self)

    async def exists(self, key):
        return key.removeprefix("arq:job:") in self.waiting


@pytest.fixture
def pool():
    return Pool()


async def count(ctx, number):
    if isinstance(number, BaseException):
        raise number
    assert current_job() is not None
    return number


async def endless(ctx):
    await asyncio.sleep(600)


def settings(**own):
    own = {"functions": [count, func(endless, max_tries=2)]} | own
    return connect(type("WorkerSettings", (), own))


def context(pool, tries=1):
    return {"job_id": "j1", "job_try": tries, "redis": pool}


def function_of(settings, number=0):
    return settings.functions[number].coroutine


async def run(pool, number, *, tries=1, **own):
    return await function_of(settings(**own))(context(pool, tries), number)


async def test_settings_keep_what_they_say_and_their_hooks(pool):
    called = []

    async def hook(ctx):
        called.append(ctx["job_id"])

    made = settings(cron_jobs=[cron(endless, hour=1)], on_startup=hook, after_job_end=hook)
    assert [(one.name, one.max_tries) for one in made.functions] == [("count", None), ("endless", 2)]
    assert [one.name for one in made.cron_jobs] == ["cron:endless"]
    await made.on_startup(context(pool))
    await made.on_startup(context(pool))
    await made.after_job_end(context(pool))
    assert called == ["j1"] * 3


async def test_a_job_is_submitted_before_it_is_enqueued(reports, pool, monkeypatch):
    async def plain(*args):
        return pool

    monkeypatch.setattr(arq, "create_pool", plain)
    connected = await create_pool()
    job = await connected.enqueue_job("count", 1, _defer_by=2)
    pool.waiting.add("taken")
    assert await connected.enqueue_job("count", 1, _job_id="taken") is None
    assert [task for task, _ in reports.submitted] == [job.job_id, "taken"]
    assert pool.enqueued == [("count", (1,), job.job_id, {"_defer_by": 2})]


async def test_the_task_of_a_job_that_is_aborted_ends(reports, pool, monkeypatch):
    answers = [True, False]

    async def abort(self, **options):
        return answers.pop(0)

    monkeypatch.setattr(arq.jobs.Job, "abort", abort)
    job = Job("j1", redis=pool)
    job.function = "count"
    assert await job.abort()
    assert not await job.abort()
    assert reports.ends == [("j1", "cancelled", "cancelled: aborted")]


@pytest.mark.parametrize(
    ("error", "options", "status"),
    [
        (ValueError(), {}, "error"),
        (Retry(), {}, "retrying"),
        (Retry(), {"tries": 5}, "error"),
        (Retry(), {"tries": 2, "max_tries": 2}, "error"),
        (Retry(), {"retry_jobs": False}, "error"),
    ],
)
async def test_a_job_that_raises_is_retried_as_long_as_arq_does(reports, pool, error, options, status):
    with pytest.raises(type(error)):
        await run(pool, error, **options)
    assert reports.end == (status, error)


async def test_a_result_is_returned_and_reported(reports, pool):
    assert await run(pool, 3) == 3
    assert (reports.end, current_job()) == (("completed", 3), None)


async def test_a_job_that_was_cancelled_while_it_waited_fails(reports, pool):
    reports.refusals = ["cancelled"]
    with pytest.raises(TaskCancelledError):
        await run(pool, 3)


async def test_a_job_whose_task_is_cancelled_fails(reports, pool):
    running = asyncio.create_task(function_of(settings(), 1)(context(pool)))
    while not reports.attempts or not reports.attempts[0].active:
        await asyncio.sleep(0)
    reports.attempts[0].on_stop(CancelRequestedError("j1", "enough"))
    with pytest.raises(TaskCancelledError, match="enough"):
        await running
    assert reports.end == ("cancelled", "enough")


@pytest.mark.parametrize(
    ("waits", "result", "status"),
    [
        (True, None, "handed on"),
        (False, None, "cancelled"),
        (False, asyncio.CancelledError(), "cancelled"),
        (False, TimeoutError(), "error"),
        (False, "unable to serialize result", "error"),
    ],
)
async def test_a_job_that_arq_cancels_ends_by_what_arq_stores(reports, pool, monkeypatch, waits, result, status):
    async def result_info(self):
        times = datetime.now(), datetime.now(), datetime.now()  # noqa: DTZ005
        fields = "endless", (), {}, 1, times[0], None, "j1", False, result, *times[1:], "arq:queue"
        return None if result is None else JobResult(*fields)

    monkeypatch.setattr(arq.jobs.Job, "result_info", result_info)
    made, ctx = settings(), context(pool)
    running = asyncio.create_task(function_of(made, 1)(ctx))
    while not reports.attempts or not reports.attempts[0].active:
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert reports.end is None
    pool.waiting = {"j1"} if waits else set()
    await made.after_job_end(ctx)
    assert reports.end[0] == status
