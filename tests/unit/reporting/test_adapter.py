"""What the adapters of queues report with, on stores in memory."""

import asyncio
import threading
from concurrent.futures import Future

import pytest

from headway import current_job
from headway.errors import InvalidNameError, TaskCancelledError
from headway.eventlog.chain import Chain, read_head
from headway.events import Cancel, LogLine, Progress
from headway.outbox import Home
from headway.progress.pending import Room
from headway.reporting.adapter import Adapter, Waiting
from headway.reporting.from_outside import end_task, submit_task
from headway.reporting.reported_task import ReportedTask, Stores
from headway.reporting.roll_up import RollUp
from headway.reporting.settings import ReportSettings
from headway.testing import MemoryBucket, MemoryLog, progress

pytestmark = pytest.mark.looptime


class Lease:
    """Holds whatever it is given."""

    async def add(self, task, attempt):
        """At once."""

    def remove(self, task):
        """At once."""


class MemoryBackground:
    """Reports on stores in memory, on the running event loop."""

    def __init__(self):
        self.settings = ReportSettings(owner="ann", open_seconds=5.0)
        self.log, self.records, self.reachable = MemoryLog(), MemoryBucket(), True

    def report(self, record, on_stop, origin):
        stores = Stores(self.log, self.records, Lease(), RollUp(self.log, self.records))
        home = Home(asyncio.get_running_loop(), threading.get_ident())
        task = ReportedTask(record, stores, on_stop, home=home, room=Room(1000), origin=origin)
        task.stored = asyncio.ensure_future(task.run())
        return task

    def submit(self, record):
        return self._call(submit_task(self.log, self.records, record))

    def end(self, record, *how):
        return self._call(end_task(self.log, self.records, record, *how))

    def _call(self, call):
        return asyncio.run_coroutine_threadsafe(call, asyncio.get_running_loop())

    def shown(self, task="t1"):
        return [(event.status, event.attempt) for event in self.log.events(task) if isinstance(event, Progress)]


@pytest.fixture
async def process():
    return MemoryBackground()


@pytest.fixture
async def adapter(process):
    return Adapter(process)


async def ended(attempt):
    await attempt._task.stored


async def test_a_task_waits_is_tried_twice_and_completes(process, adapter):
    assert await adapter.submitting("t1", kind="shop.import users", tags=["eu"]).ready()
    first = adapter.attempt("t1", kind="import")
    assert await first.begun.ready()
    first.job.update(50, "half")
    first.failed(ValueError("no"), will_retry=True)
    await ended(first)
    second = adapter.attempt("t1", kind="import")
    await second.begun.ready()
    assert (second.job.attempt, second.job.failed, second.refusal) == (2, 1, "")
    second.completed({"rows": 3}, "done")
    await ended(second)
    assert process.shown() == [
        ("queued", 0), ("processing", 1), ("processing", 1), ("retrying", 1), ("processing", 2), ("completed", 2)
    ]  # fmt: skip
    last = process.log.events("t1")[-1]
    assert (last.data, last.message, last.failed) == ({"rows": 3}, "done", 1)
    assert b"shop-import-users" in await process.records.get("t1")
    assert b'"tags":["eu"]' in await process.records.get("t1")


async def test_what_was_cancelled_while_it_waited_is_refused(process, adapter):
    await adapter.submitting("t1", kind="k").ready()
    await Chain(process.log, "t1", await read_head(process.log, "t1"), attempt=0).append(progress("cancelled"))
    attempt = adapter.attempt("t1", kind="k")
    await attempt.begun.ready()
    assert attempt.refusal == "cancelled"
    attempt.cancelled()
    await ended(attempt)
    assert process.shown() == [("queued", 0), ("cancelled", 0)]


async def test_a_request_between_two_attempts_ends_the_task_at_the_second(process, adapter):
    first = adapter.attempt("t1", kind="k")
    await first.begun.ready()
    first.failed(ValueError("no"), will_retry=True)
    await ended(first)
    await Chain(process.log, "t1", await read_head(process.log, "t1")).append(Cancel(reason="enough"))
    stops = []
    second = adapter.attempt("t1", kind="k", on_stop=stops.append)
    await second.begun.ready()
    assert (second.refusal, second.job.cancelled, len(stops)) == ("cancelled", True, 1)
    await ended(second)
    last = process.log.events("t1")[-1]
    assert (last.status, last.message) == ("cancelled", "cancelled: enough")


@pytest.mark.parametrize("status", ["completed", "error"])
async def test_a_task_that_has_ended_is_refused(process, adapter, status):
    await adapter.ended("t1", kind="k", status=status, message="over").ready()
    attempt = adapter.attempt("t1", kind="k")
    await attempt.begun.ready()
    assert attempt.refusal == "ended"
    attempt.completed()
    await ended(attempt)
    assert process.shown() == [(status, 0)]


async def test_errors_have_their_traceback_and_the_job_is_that_of_the_context(process, adapter):
    attempt = adapter.attempt("t1", kind="k")
    await attempt.begun.ready()
    attempt.activate()
    assert current_job() is attempt.job
    current_job().log("a line")
    attempt.deactivate()
    assert current_job() is None
    try:
        int("seven")
    except ValueError as error:
        attempt.failed(error)
    await ended(attempt)
    *_, line, last = process.log.events("t1")
    assert (type(line), last.error.type) == (LogLine, "ValueError")
    assert "test_adapter.py" in last.error.traceback


async def test_a_word_for_the_state_ends_with_the_work(process, adapter):
    attempt = adapter.attempt("t1", kind="k")
    await attempt.begun.ready()
    attempt.job.set_state("CRUNCHING")
    await asyncio.sleep(1)
    assert process.log.events("t1")[-1].state == "CRUNCHING"
    attempt.cancelled("revoked")
    await ended(attempt)
    last = process.log.events("t1")[-1]
    assert (last.state, last.message) == ("", "cancelled: revoked")


async def test_a_loop_ends_when_somebody_cancels(process, adapter):
    attempt = adapter.attempt("t1", kind="k")
    await attempt.begun.ready()
    await Chain(process.log, "t1", await read_head(process.log, "t1")).append(Cancel(reason="enough"))

    async def work():
        for _ in attempt.job.track(range(1000)):
            await asyncio.sleep(0.1)

    with pytest.raises(TaskCancelledError):
        await work()
    attempt.cancelled("enough")
    await ended(attempt)


async def test_an_id_that_is_none_is_refused(adapter):
    with pytest.raises(InvalidNameError):
        adapter.submitting("a b", kind="k")


@pytest.mark.parametrize(("reachable", "seconds"), [(True, 5.0), (False, 0.0)])
async def test_who_waits_does_so_for_a_bounded_time_and_not_without_nats(process, reachable, seconds):
    process.reachable = reachable
    waiting = Waiting(Future(), process)
    began = asyncio.get_running_loop().time()
    assert not await waiting.ready()
    assert asyncio.get_running_loop().time() - began == pytest.approx(seconds)
    process.reachable = False
    assert not waiting.wait()


async def test_who_waits_stops_when_nats_becomes_unreachable_or_it_is_stored(process):
    loop, waiting = asyncio.get_running_loop(), Waiting(Future(), process)
    loop.call_later(1, setattr, process, "reachable", False)
    assert not await waiting.ready()
    assert loop.time() < 2
    process.reachable = True
    loop.call_later(1, waiting.future.set_result, None)
    assert await waiting.ready()
    assert waiting.wait()


def test_a_thread_that_waits_stops_when_nats_becomes_unreachable():
    class Process:
        settings, left = ReportSettings(open_seconds=3600), 3

        @property
        def reachable(self):
            self.left -= 1
            return self.left > 0

    assert not Waiting(Future(), Process()).wait()


def test_what_is_stored_after_the_loop_that_waited_is_closed_harms_nobody(caplog):
    class Process:
        settings, reachable = ReportSettings(open_seconds=0.01), True

    waiting = Waiting(Future(), Process())
    assert not asyncio.run(waiting.ready())
    waiting.future.set_result(None)
    assert caplog.records == []


@pytest.mark.parametrize(("left", "reachable", "asked"), [([2, 1, 0], True, 3), ([2, 2], False, 1)])
def test_a_process_that_ends_waits_while_nats_is_reachable(left, reachable, asked):
    class Process:
        settings, answers = ReportSettings(), list(left)

        def flush(self, seconds):
            return self.answers.pop(0)

    process = Process()
    process.reachable = reachable
    Adapter(process).flush()
    assert len(left) - len(process.answers) == asked
