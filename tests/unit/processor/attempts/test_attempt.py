"""One attempt on a log in memory: what it stores, and how it answers the queue."""

import asyncio
import threading

import msgspec
import pytest

from headway import codec
from headway.errors import TaskError, TooLargeError
from headway.eventlog.chain import EVENT_BYTES
from headway.events import Cancel, Chunk, LogLine
from headway.records import JobMessage
from headway.testing import progress
from headway.track import current_job, track
from headway.values.results import MAX_RESULT_BYTES
from headway_processor.attempts import executor
from tests.fixtures.condition import until
from tests.unit.processor.conftest import append, noop, statuses


@pytest.fixture
def quick_stop(monkeypatch):
    monkeypatch.setattr(executor, "STOP_SECONDS", 0.05)


async def test_handler_in_a_thread_finds_its_job(bench):
    def handler(job):
        for _ in track(range(3), unit="rows"):
            assert current_job() is job
        return threading.current_thread() is threading.main_thread()

    assert await bench.run(handler) == ["ack"]
    assert (bench.last.data, bench.last.done, bench.last.unit) == (False, 3, "rows")


async def test_failure_without_retries_is_the_end(bench):
    async def handler(job):
        raise ValueError("boom")

    assert await bench.run(handler) == ["ack"]
    assert bench.last.status == "error"
    error = bench.last.error
    assert (error.type, error.message, error.retryable, error.transient) == ("ValueError", "boom", True, False)
    ((kind, name, job, reason),) = bench.dead_letters.jobs
    assert (kind, name, codec.decode_json(job)["task"], reason) == ("k", "t1", "t1", "ValueError: boom")
    assert ("dead_lettered", "failed") in bench.metrics.seen


@pytest.mark.parametrize("retries", [0, 1])
async def test_only_the_last_failure_of_a_task_is_dead_lettered_and_before_its_end(bench, retries):
    def handler(job):
        raise ValueError("boom")

    bench.dead_letters.refusals = 1
    await bench.run(handler, retries=retries)
    assert (len(bench.dead_letters.jobs), bench.last.status) == ((1, "error") if retries == 0 else (0, "retrying"))


@pytest.mark.parametrize("status", ["completed", "cancelled"])
async def test_a_task_that_did_not_fail_has_no_dead_letter(bench, status):
    async def handler(job):
        if status == "cancelled":
            await append(bench, Cancel(reason="enough"), attempt=1)
            await asyncio.Event().wait()

    await bench.run(handler)
    assert (bench.last.status, bench.dead_letters.jobs) == (status, [])


async def test_final_error_in_a_task_group_is_not_retried(bench):
    async def part():
        raise TaskError("there are no pictures", retryable=False)

    async def handler(job):
        async with asyncio.TaskGroup() as group:
            group.create_task(part())
            group.create_task(asyncio.Event().wait())

    assert await bench.run(handler, retries=2) == ["ack"]
    assert (bench.last.status, bench.last.error.type) == ("error", "TaskError")
    assert bench.last.message == "there are no pictures"


async def test_final_error_in_a_group_that_a_thread_raises_is_not_retried(bench):
    def handler(job):
        raise ExceptionGroup("many", [ValueError("a"), TaskError("no pictures", retryable=False)])

    assert await bench.run(handler, retries=2) == ["ack"]
    assert bench.last.message == "2 errors: ValueError: a; TaskError: no pictures"


async def test_cancel_request_that_ends_a_task_group_is_a_cancellation(bench):
    async def handler(job):
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait())
            await append(bench, Cancel(reason="enough"), attempt=1)

    assert await bench.run(handler, retries=2) == ["ack"]
    assert bench.last.status == "cancelled"


async def test_error_asks_when_the_next_attempt_begins(bench):
    async def handler(job):
        raise TaskError("the service is busy", retry_in=30)

    assert await bench.run(handler, retries=1) == [("nak", 30.0)]
    assert bench.last.message == "the service is busy; the next attempt begins in 30 s"


async def test_kind_sets_the_pauses_between_its_attempts(bench):
    async def handler(job):
        seen.append((job.attempt, job.failed))
        raise ValueError("boom")

    seen = []
    options = {"retries": 3, "retry_delay": 5.0, "retry_backoff": 3.0, "max_retry_delay": 20.0}
    answers = [await bench.run(handler, **options) for _ in range(4)]
    assert answers == [[("nak", 5.0)], [("nak", 15.0)], [("nak", 20.0)], ["ack"]]
    assert seen == [(1, 0), (2, 1), (3, 2), (4, 3)]


async def test_failed_attempt_says_where_it_failed(bench):
    def handler(job):
        secret = "hunter2"
        raise ValueError(len(secret))

    assert await bench.run(handler, retries=1) == [("nak", 1.0)]
    trace = bench.last.error.traceback
    assert trace.splitlines()[0] == "Traceback (most recent call last):"
    assert "test_failed_attempt_says_where_it_failed.<locals>.handler" in trace.splitlines()[1]
    assert "hunter2" not in trace
    assert "executor.py" not in trace


async def test_setting_leaves_the_traceback_out_of_the_log(bench):
    bench.settings = msgspec.structs.replace(bench.settings, tracebacks=False)

    def handler(job):
        raise ValueError("boom")

    assert await bench.run(handler) == ["ack"]
    assert bench.last.error.traceback == ""
    assert b"traceback" not in (await bench.log.last("t1")).payload


async def test_failure_is_retried_and_then_succeeds(bench):
    async def handler(job):
        if job.attempt == 1:
            raise TaskError("not yet")
        return "done"

    assert await bench.run(handler, retries=1) == [("nak", 1.0)]
    assert (bench.last.status, bench.last.failed) == ("retrying", 1)
    assert "next attempt begins in 1 s" in bench.last.message
    assert await bench.run(handler, retries=1) == ["ack"]
    assert (bench.last.status, bench.last.attempt, bench.last.failed) == ("completed", 2, 1)


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()])
@pytest.mark.parametrize("executor", ["async", "thread"])
async def test_odd_exception_fails_the_task_and_not_the_processor(bench, error, executor):
    async def handler(job):
        raise error

    def in_thread(job):
        raise error

    assert await bench.run(handler if executor == "async" else in_thread) == ["ack"]
    assert bench.last.error.type == type(error).__name__


async def test_timeout_cancels_an_async_handler(bench):
    async def handler(job):
        try:
            await asyncio.Event().wait()
        finally:
            job.chunk("last words")

    assert await bench.run(handler, timeout=0.01) == ["ack"]
    assert (bench.last.error.type, bench.last.error.message) == ("Timeout", "took longer than 0.01 s")
    assert [event.text for event in bench.events if isinstance(event, Chunk)] == ["last words"]


async def test_timeout_stops_a_thread_that_looks(bench):
    gone = threading.Event()

    def handler(job):
        try:
            while not gone.wait(0.001):
                job.raise_if_cancelled()
        finally:
            gone.set()

    assert await bench.run(handler, timeout=0.01) == ["ack"]
    assert bench.last.error.type == "Timeout"
    assert gone.is_set()


async def test_thread_that_never_looks_is_abandoned(bench, quick_stop):
    release = threading.Event()
    assert await bench.run(lambda job: release.wait(10), timeout=0.01) == ["ack"]
    assert bench.last.error.type == "Timeout"
    release.set()


async def test_coroutine_that_swallows_its_cancellation_is_abandoned(bench, quick_stop):
    release = asyncio.Event()

    async def handler(job):
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                job.log("no")

    assert await bench.run(handler, timeout=0.01) == ["ack"]
    assert bench.last.error.type == "Timeout"
    release.set()
    await asyncio.sleep(0)


async def test_cancel_request_stops_the_handler(bench):
    async def handler(job):
        await append(bench, Cancel(reason="enough"), attempt=1)
        await asyncio.Event().wait()

    assert await bench.run(handler) == ["ack"]
    assert statuses(bench) == ["processing", "Cancel", "cancelled"]
    assert bench.last.message == "cancelled: enough"


async def test_early_return_after_a_cancel_request_is_no_result(bench):
    def handler(job):
        while not job.cancelled:
            threading.Event().wait(0.001)
        return "half"

    run = asyncio.create_task(bench.run(handler))
    await until(lambda: bench.events)
    await append(bench, Cancel(reason=""), attempt=1)
    assert await run == ["ack"]
    assert (bench.last.status, bench.last.data) == ("cancelled", msgspec.UNSET)


async def test_cancel_request_beats_a_retry(bench, monkeypatch):
    monkeypatch.setattr("headway_processor.attempts.attempt.watch", lambda *_: asyncio.sleep(0))

    async def handler(job):
        await append(bench, Cancel(reason=""), attempt=1)
        raise ValueError("boom")

    assert await bench.run(handler, retries=3) == ["ack"]
    assert statuses(bench) == ["processing", "Cancel", "cancelled"]


async def test_superseded_attempt_writes_nothing_and_does_not_ack(bench):
    async def handler(job):
        await append(bench, progress(), attempt=2)
        await asyncio.Event().wait()

    assert await bench.run(handler) == []
    assert [event.attempt for event in bench.events] == [1, 2]
    assert bench.metrics.seen == ["started", "abandoned", "superseded"]


async def test_attempt_whose_task_was_ended_elsewhere_acks_and_writes_nothing(bench):
    async def handler(job):
        await append(bench, progress("error"), attempt=1)
        await asyncio.Event().wait()

    assert await bench.run(handler) == ["ack"]
    assert statuses(bench) == ["processing", "error"]


async def test_handed_back_job_burns_no_attempt(bench):
    async def handler(job):
        job.update(30)
        await asyncio.Event().wait()

    run = bench.job(handler)
    running = asyncio.create_task(run.run())
    await until(lambda: bench.events)
    run.hand_back()
    await running
    assert run.delivery.answers == [("nak", 0.0)]
    assert (bench.last.status, bench.last.failed, bench.last.error) == ("retrying", 0, None)
    assert bench.last.message == "handed back: the processor shuts down"
    await bench.run(noop)
    assert (bench.last.status, bench.last.attempt, bench.last.failed) == ("completed", 2, 0)


async def test_result_with_a_part_that_has_no_json_form_completes_with_a_warning(bench):
    assert await bench.run(lambda job: {"rows": 4, "lock": threading.Lock()}, retries=3) == ["ack"]
    assert (bench.last.status, bench.last.data["rows"]) == ("completed", 4)
    assert bench.last.data["lock"].startswith("<unlocked _thread.lock")
    [line] = [event for event in bench.events if isinstance(event, LogLine)]
    assert (line.level, line.logger) == ("warning", "headway.result")
    assert "/lock (lock)" in line.message


async def test_setting_makes_it_an_error(bench):
    bench.settings = msgspec.structs.replace(bench.settings, strict_results=True)
    assert await bench.run(lambda job: {"lock": threading.Lock()}, retries=3) == ["ack"]
    assert bench.last.error.type == "UnserialisableResult"
    assert "/lock (lock)" in bench.last.error.message


async def test_encoder_of_the_task_is_asked(bench):
    async def handler(job):
        return {"z": 1j}

    assert await bench.run(handler, encoder=lambda value: [value.real, value.imag]) == ["ack"]
    assert bench.last.data == {"z": [0.0, 1.0]}


async def test_result_that_is_work_nobody_has_done_fails_the_task(bench):
    async def later():
        raise AssertionError

    assert await bench.run(lambda job: later(), retries=3) == ["ack"]
    assert (bench.last.error.type, bench.last.error.retryable) == ("UnfinishedResult", False)
    assert "coroutine" in bench.last.error.message


async def test_large_result_goes_to_the_store(bench):
    bench.results.refusals = 1
    value = "x" * MAX_RESULT_BYTES
    assert await bench.run(lambda job: value) == ["ack"]
    assert bench.last.data == {"href": "/api/v1/tasks/t1/result", "bytes": MAX_RESULT_BYTES + 2}
    assert bench.results.by_task == {"t1": codec.encode_json(value)}


async def test_a_result_beside_the_log_counts_for_the_task(bench):
    job = JobMessage(task="t1", kind="k", owner="ann", tenant="acme")
    await bench.run(lambda job: "x" * MAX_RESULT_BYTES, payload=codec.encode_json(job))
    sizes = [EVENT_BYTES + len(stored.payload) for stored in await bench.log.read("t1")]
    assert (await bench.log.last("t1")).size == sum(sizes) + MAX_RESULT_BYTES + 2


async def test_a_result_that_the_log_never_takes_fails_the_task(bench):
    """A server with a small max_payload: another attempt would end with the same bytes."""
    bench.log.limit_bytes = 1000
    assert await bench.run(lambda job: "x" * 1000, retries=3) == ["ack"]
    assert (bench.last.status, bench.last.error.type) == ("error", "ResultTooLarge")


async def test_a_result_that_the_store_never_takes_fails_the_task(bench, monkeypatch):
    async def refuse(task, result):
        raise TooLargeError("the result")

    monkeypatch.setattr(bench.results, "put", refuse)
    assert await bench.run(lambda job: "x" * MAX_RESULT_BYTES, retries=3) == ["ack"]
    assert (bench.last.status, bench.last.error.type) == ("error", "ResultTooLarge")


async def test_large_result_of_a_superseded_attempt_is_not_stored(bench, monkeypatch):
    monkeypatch.setattr("headway_processor.attempts.attempt.watch", lambda *_: asyncio.sleep(0))

    async def handler(job):
        await append(bench, progress(), attempt=2)
        return "x" * MAX_RESULT_BYTES

    assert await bench.run(handler) == []
    assert bench.results.by_task == {}


@pytest.mark.parametrize("status", ["error", "cancelled"])
async def test_a_handler_that_does_not_stop_is_reported_as_one_that_still_runs(bench, quick_stop, status):
    release = threading.Event()

    def handler(job):
        if status == "cancelled":
            asyncio.run_coroutine_threadsafe(append(bench, Cancel(reason="enough"), attempt=1), loop)
        release.wait(20)

    loop = asyncio.get_running_loop()
    await bench.run(handler, timeout=0.05 if status == "error" else None)
    said = {"error": "took longer than 0.05 s", "cancelled": "cancelled: enough"}[status]
    assert bench.last.message == f"{said}; the handler did not stop and still runs in its thread"
    assert ("abandoned", 1) in bench.metrics.seen
    assert ("abandoned", -1) not in bench.metrics.seen
    release.set()
    await until(lambda: ("abandoned", -1) in bench.metrics.seen)
