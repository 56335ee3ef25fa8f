"""What waits for the log is bounded, and nothing of it is lost without a word."""

import asyncio
import threading
import time

import pytest

from headway import outbox
from headway.errors import CancelRequestedError, LogError, OutputOverflowError
from headway.eventlog.chain import Chain
from headway.events import Chunk, LogLine, Progress
from headway.job import Job
from headway.lifecycle import JobLifecycle
from headway.progress import pending
from headway.progress.pending import MAX_PENDING_CHARS, MAX_PENDING_LINES, MAX_PENDING_STEPS
from headway.testing import MemoryLog, StartedJob, start_job
from tests.fixtures.condition import holds

virtual_time = pytest.mark.looptime


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def of(log: MemoryLog, kind: type) -> list:
    return [event for event in log.events("t1") if isinstance(event, kind)]


def output(log: MemoryLog) -> str:
    return "".join(chunk.text for chunk in of(log, Chunk))


async def unreachable(log: MemoryLog) -> StartedJob:
    """A job whose pump waits for NATS."""
    job = start_job(log, interval_seconds=0.001)
    log.away = True
    job.update(message="first")
    await asyncio.sleep(0.05)
    return job


# Steps


@virtual_time
async def test_of_a_flood_of_steps_the_first_and_the_last_are_kept_and_the_rest_is_counted(log):
    job = await unreachable(log)
    for i in range(3_000):
        job.step(f"step {i}", total=10)
        job.advance()
    assert len(job._outbox._pending) <= 2 * MAX_PENDING_STEPS
    log.away = False
    await job.finish("completed")
    steps = list(dict.fromkeys(event.step for event in of(log, Progress)))
    assert steps == ["", *(f"step {i}" for i in range(MAX_PENDING_STEPS)), "step 2999"]
    assert [line.message for line in of(log, LogLine)] == [f"{3_000 - MAX_PENDING_STEPS - 1} more steps left out"]
    assert of(log, Progress)[-1].done == 1


@virtual_time
async def test_as_many_steps_as_are_kept_are_all_shown(log):
    job = await unreachable(log)
    for i in range(MAX_PENDING_STEPS + 1):
        job.step(f"step {i}")
    log.away = False
    await job.finish("completed")
    assert len({event.step for event in of(log, Progress)}) == MAX_PENDING_STEPS + 2
    assert of(log, LogLine) == []


@virtual_time
async def test_whatever_is_called_while_nats_is_unreachable_stays_bounded(log):
    job = await unreachable(log)
    before = len(asyncio.get_running_loop()._ready)
    for i in range(1000):
        job.step(f"step {i}")
        job.log("line")
        job.update(i / 100, "x" * 5000, done=i, total=1000)
        job.advance()
        job.chunk("c")
        for _ in job.track("ab"):
            job.advance()
    assert len(job._outbox._pending) <= MAX_PENDING_LINES + 3 * MAX_PENDING_STEPS + 2
    assert len(asyncio.get_running_loop()._ready) <= before + 1
    log.away = False
    await job.finish("completed")
    assert output(log) == "c" * 1000


# Output


@virtual_time
async def test_one_text_of_any_length_is_taken_on_the_event_loop(log):
    job = start_job(log)
    text = "0123456789abcdef" * (MAX_PENDING_CHARS // 16) + "the end"
    job.chunk(text)
    assert not job.cancelled
    await job.finish("completed")
    assert output(log) == text


@virtual_time
async def test_more_output_than_may_wait_ends_the_task_when_nothing_can_wait(log, monkeypatch):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 100)
    job = await unreachable(log)
    job.chunk("x" * 1000)
    await asyncio.sleep(0)
    assert not job.cancelled
    job.chunk("y")
    await asyncio.sleep(0)
    assert isinstance(job.stopped, OutputOverflowError)
    assert "await job.flush()" in str(job.stopped)
    await job.abort()


@virtual_time
async def test_output_on_its_way_counts_as_waiting(log, monkeypatch):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 100)
    job = start_job(log, interval_seconds=0.001)
    log.away = True
    job.chunk("x" * 100)
    await asyncio.sleep(0.05)  # the pump has taken it, and NATS has not
    job.chunk("y")
    await asyncio.sleep(0)
    assert isinstance(job.stopped, OutputOverflowError)
    await job.abort()


async def test_a_thread_waits_until_there_is_room(log, monkeypatch):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 100)

    def write() -> None:
        for i in range(50):
            job.chunk(f"{i:03}" * 20)
            most.append(job._outbox._pending._room._taken)

    most: list[int] = []
    job = await unreachable(log)
    writing = asyncio.create_task(asyncio.to_thread(write))
    assert await holds(lambda: len(most) == 2, 10)
    assert not writing.done()
    log.away = False
    await writing
    await job.finish("completed")
    assert output(log) == "".join(f"{i:03}" * 20 for i in range(50))
    assert max(most) < 100 + 60


@pytest.mark.parametrize(
    ("reason", "kept"), [(CancelRequestedError("t1", ""), False), (LogError("took too long"), True)]
)
async def test_a_thread_that_waits_is_released_when_the_task_stops(log, monkeypatch, reason, kept):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 10)
    job = await unreachable(log)
    job.chunk("x" * 10)
    waiting = asyncio.create_task(asyncio.to_thread(job.chunk, "last"))
    assert await holds(lambda: job._outbox._room._waiters, 10)
    job.stop(reason)
    await asyncio.wait_for(waiting, 5)
    await asyncio.to_thread(job.chunk, "later")
    log.away = False
    await job.finish("error")
    assert output(log) == ("x" * 10 + "last" if kept else "")


async def test_a_thread_does_not_wait_for_an_event_loop_that_waits_for_it(log, monkeypatch):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 10)
    monkeypatch.setattr(outbox, "BLOCKED_SECONDS", 0.05)
    job = start_job(log)
    thread = threading.Thread(target=lambda: [job.chunk("x" * 10), job.chunk("y")])
    thread.start()
    thread.join(10)  # on the event loop: nothing is stored meanwhile
    assert not thread.is_alive()
    assert await holds(lambda: job.stopped is not None, 10)
    assert isinstance(job.stopped, OutputOverflowError)
    await job.abort()


async def test_a_thread_does_not_wait_for_a_job_that_has_ended(log, monkeypatch):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 10)
    unstarted = JobLifecycle(Chain(log, "t1", attempt=1)).job
    ended = start_job(log, "t2")
    await ended.abort()
    begun = time.monotonic()
    for job in (unstarted, ended):
        for _ in range(3):
            await asyncio.to_thread(job.chunk, "x" * 10)
    assert time.monotonic() - begun < outbox.BLOCKED_SECONDS


async def test_a_finalizer_may_report_while_the_outbox_is_busy(log):
    class Reporting:
        def __del__(self):
            job.log("bye")
            job.chunk("bye")

    class Message:
        def __str__(self):
            Reporting()
            return "text"

    job = start_job(log)
    snapshot = job._outbox._pending._snapshot
    job._outbox._pending._snapshot = lambda: (Reporting(), snapshot())[1]
    job.step("a")
    job.update(message=Message())
    await job.flush()
    await job.finish("completed")
    assert {line.message for line in of(log, LogLine)} == {"bye"}


@virtual_time
async def test_output_of_the_how_to_arrives(log, printed, monkeypatch):
    async def pages():
        for number in range(5):
            yield str(number) * 100

    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 100)
    names = {"Job": Job, "pages": pages, "task": lambda kind: lambda function: function}
    exec(compile(printed[0].text, str(printed[0]), "exec"), names)
    job = start_job(log)
    await names["export"](job)
    assert output(log) == "".join(str(number) * 100 for number in range(5))
    await job.finish("completed")


async def test_one_append_is_in_flight_whoever_reports(log):
    lifecycle = JobLifecycle(Chain(log, "t1", attempt=1), interval_seconds=0.001)
    lifecycle.start()
    for number in range(50):
        lifecycle.job.log(f"here {number}")
        await lifecycle.relay(LogLine(level="info", message=f"there {number}"))
    await lifecycle.drain()
    lines = of(log, LogLine)
    assert [line.n for line in lines] == list(range(1, 101))
    for place in ("here", "there"):
        assert [line.message for line in lines if line.message.startswith(place)] == [f"{place} {n}" for n in range(50)]
