"""Children of a handler in a thread."""

import asyncio
import threading

import pytest

from headway.errors import CancelRequestedError, ChildFailedError, ChildrenError, TaskCancelledError
from headway.testing import MemoryLog, start_job


async def work(params):
    if params.get("wait"):
        await asyncio.Event().wait()
    if params.get("fail"):
        raise ValueError("no luck")
    return params.get("n")


@pytest.fixture
async def job():
    made = start_job(MemoryLog(), "p1", children={"work": work})
    yield made
    await made.abort()


async def test_calls_block_the_thread(job):
    def handler():
        children = [job.blocking.submit("work", {"n": n}) for n in range(3)]
        assert {child.result() for child in job.blocking.as_completed(*children)} == {0, 1, 2}
        one = children[0]
        assert (one.kind, one.status, one.progress, one.done(), one.failure()) == (
            "work",
            "completed",
            100.0,
            True,
            None,
        )
        assert (one.task in repr(one), job.blocking.gather(*children)) == (True, [0, 1, 2])
        with pytest.raises(ChildFailedError, match="no luck"):
            job.blocking.submit("work", {"fail": True}).result()
        waiting = job.blocking.submit("work", {"wait": True})
        waiting.cancel("enough")
        with pytest.raises(ChildFailedError, match="was cancelled: enough"):
            waiting.result()

    await asyncio.to_thread(handler)


async def test_a_call_that_waits_ends_when_the_handler_should_end(job):
    waits = threading.Event()

    def handler():
        child = job.blocking.submit("work", {"wait": True})
        waits.set()
        with pytest.raises(TaskCancelledError):
            child.result()
        with pytest.raises(TaskCancelledError):
            job.blocking.submit("work", {"n": 1})

    running = asyncio.create_task(asyncio.to_thread(handler))
    await asyncio.to_thread(waits.wait, 10)
    job.stop(CancelRequestedError("p1", "enough"))
    await running


async def test_on_an_event_loop_they_would_wait_for_themselves(job):
    with pytest.raises(ChildrenError, match="is for threads"):
        job.blocking.submit("work")


async def test_another_event_loop_than_that_of_the_processor_is_an_error(job):
    def handler():
        with pytest.raises(ChildrenError, match=r"in a thread use job\.blocking"):
            asyncio.run(job.submit("work"))

    await asyncio.to_thread(handler)
