"""A handler runs on the event loop or in a thread, and its end is a value."""

import asyncio
import threading

import pytest

from headway.errors import TaskError
from headway.kind import Registry
from headway.task import task
from headway.testing import MemoryLog, start_job
from headway_processor.attempts import executor
from headway_processor.attempts.errors import TimedOutError
from headway_processor.attempts.executor import start
from headway_processor.outcome import Raised, Returned, StillRuns


@pytest.fixture
async def job():
    job = start_job(MemoryLog())
    yield job
    await job.abort()


def kind_of(handler, **options):
    registry = Registry()
    task("k", registry=registry, **options)(handler)
    return registry.get("k")


async def outcome_of(handler, job, *, timeout_seconds=None, stop=False):
    stopping = asyncio.Event()
    if stop:
        stopping.set()
    return await start(kind_of(handler), job, None).until_end(job.lifecycle, stopping, timeout_seconds)


async def test_a_result_is_encoded(job):
    async def handler(job):
        return {"a": 1}

    outcome = await outcome_of(handler, job)
    assert isinstance(outcome, Returned)
    assert outcome.value.raw == b'{"a":1}'


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_what_a_thread_raises_is_a_value(job, error):
    def handler(job):
        raise error

    assert await outcome_of(handler, job) == Raised(error)


async def test_an_async_handler_is_cancelled_at_its_timeout(job):
    async def handler(job):
        await asyncio.Event().wait()

    outcome = await outcome_of(handler, job, timeout_seconds=0.01)
    assert isinstance(outcome.error, asyncio.CancelledError)
    assert isinstance(job.stopped, TimedOutError)


async def test_a_handler_that_is_stopped_before_its_first_step_is_cancelled(job):
    async def handler(job):
        raise AssertionError("ran")

    run = start(kind_of(handler), job, None)
    run.interrupt()
    assert run.outcome is None
    await asyncio.sleep(0)
    assert isinstance(run.outcome.error, asyncio.CancelledError)


async def test_a_thread_that_does_not_stop_is_abandoned(job, monkeypatch, caplog):
    monkeypatch.setattr(executor, "STOP_SECONDS", 0.01)
    release = threading.Event()

    def handler(job):
        release.wait(10)

    assert await outcome_of(handler, job, stop=True) == StillRuns("in its thread")
    release.set()
    assert [record.action for record in caplog.records] == ["handler_left"]


@pytest.mark.parametrize("make", [lambda: (n for n in ()), lambda: asyncio.sleep(0)], ids=["generator", "coroutine"])
async def test_work_that_is_not_done_is_not_a_result(job, make):
    outcome = await outcome_of(lambda job: make(), job)
    assert isinstance(outcome.error, TaskError)
    assert outcome.error.type == "UnfinishedResult"
