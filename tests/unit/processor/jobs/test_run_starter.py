"""Jobs that end with their starter (`cancel_on_disconnect`), on a log in memory and by virtual time."""

import asyncio
import time

import pytest

from headway import codec
from headway.eventlog.chain import Chain, read_head
from headway.events import Beat
from headway.records import JobMessage
from headway.testing import progress
from headway_processor.attempts.starter import GONE

pytestmark = pytest.mark.looptime
PRESENT = codec.encode_json(Beat(task="t1", presence=True))


class Work:
    """A handler of one minute, and when it ran."""

    def __init__(self):
        self.began = self.ended = None

    async def __call__(self, job):
        loop = asyncio.get_running_loop()
        self.began = loop.time()
        try:
            await asyncio.sleep(60)
            return "done"
        finally:
            self.ended = loop.time()


@pytest.fixture
def work():
    return Work()


def run_of(bench, work, *, queued_seconds=0.0, cancel_on_disconnect=True):
    async def handler(job):
        return await work(job)

    submitted = time.time() - queued_seconds
    job = JobMessage(task="t1", kind="k", submitted=submitted, cancel_on_disconnect=cancel_on_disconnect)
    return bench.job(handler, payload=codec.encode_json(job))


async def beat_every(bench, seconds):
    while True:
        await bench.log.beat("t1", PRESENT)
        await asyncio.sleep(seconds)


def ended(bench):
    return bench.last.status, bench.last.message


async def test_a_task_is_cancelled_when_its_starter_was_absent_for_the_grace(bench, work):
    run = run_of(bench, work)
    await run.run()
    assert run.delivery.answers == ["ack"]
    assert ended(bench) == ("cancelled", f"cancelled: {GONE}")
    assert work.ended - work.began == pytest.approx(30, abs=0.5)
    assert bench.log.beat_subscribers("t1") == 0


async def test_a_task_runs_to_its_end_while_its_starter_is_present(bench, work):
    run = run_of(bench, work)
    beating = asyncio.create_task(beat_every(bench, 5))
    await run.run()
    beating.cancel()
    assert (bench.last.status, bench.last.data) == ("completed", "done")


async def test_a_task_that_does_not_depend_on_its_starter_needs_no_presence(bench, work):
    await run_of(bench, work, queued_seconds=1000, cancel_on_disconnect=False).run()
    assert bench.last.status == "completed"


async def test_a_job_that_was_queued_for_long_does_not_begin_when_its_starter_has_gone(bench, work):
    run = run_of(bench, work, queued_seconds=1000)
    await run.run()
    assert run.delivery.answers == ["ack"]
    assert ended(bench) == ("cancelled", f"cancelled: {GONE}")
    assert work.began is None
    assert run.delivery.extended  # the queue was kept waiting meanwhile


async def test_a_job_that_was_queued_for_long_begins_with_the_first_presence(bench, work):
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(run_of(bench, work, queued_seconds=1000).run())
    await asyncio.sleep(4)
    assert work.began is None
    beating, at = asyncio.create_task(beat_every(bench, 5)), loop.time()
    await running
    beating.cancel()
    assert work.began == pytest.approx(at, abs=0.2)
    assert bench.last.status == "completed"


async def test_a_second_attempt_begins_at_once_and_is_judged_by_itself(bench, work):
    await Chain(bench.log, "t1", await read_head(bench.log, "t1"), attempt=1).append(progress("processing"))
    began = asyncio.get_running_loop().time()
    await run_of(bench, work, queued_seconds=1000).run()
    assert work.began == pytest.approx(began, abs=0.2)
    assert work.ended - work.began == pytest.approx(30, abs=0.5)
    assert (bench.last.status, bench.last.attempt) == ("cancelled", 2)


async def test_a_task_that_was_cancelled_while_its_starter_was_waited_for_stays_as_it_is(bench, work):
    run = run_of(bench, work, queued_seconds=1000)
    running = asyncio.create_task(run.run())
    await asyncio.sleep(4)
    cancelled = progress("cancelled", message="by request")
    await Chain(bench.log, "t1", await read_head(bench.log, "t1"), attempt=0).append(cancelled)
    await running
    assert (run.delivery.answers, work.began, ended(bench)) == (["ack"], None, ("cancelled", "by request"))


async def test_a_shutdown_gives_back_a_job_whose_starter_is_waited_for(bench, work):
    run = run_of(bench, work, queued_seconds=1000)
    running = asyncio.create_task(run.run())
    await asyncio.sleep(4)
    run.hand_back()
    await running
    assert (run.delivery.answers, work.began, bench.events) == ([("nak", 0.0)], None, [])
