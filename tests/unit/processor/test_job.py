"""The run of one job on a log in memory: what it stores, and how it answers the queue."""

import asyncio
import threading

import msgspec
import pytest

from headway import codec
from headway.chain import Chain, read_head
from headway.errors import TaskError, TooLargeError
from headway.events import Cancel, Chunk, ErrorInfo
from headway.records import Job
from headway.testing import progress
from headway.track import current_job, track
from headway_processor import handling
from headway_processor.attempt import MAX_RESULT_BYTES


class Params(msgspec.Struct):
    count: int


def noop(job):
    return None


@pytest.fixture
def quick_stop(monkeypatch):
    monkeypatch.setattr(handling, "STOP_SECONDS", 0.05)


def statuses(bench):
    return [getattr(event, "status", type(event).__name__) for event in bench.events]


async def append(bench, *events, attempt=0):
    for event in events:
        await Chain(bench.log, "t1", await read_head(bench.log, "t1"), attempt=attempt).append(event)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_result_is_stored_before_the_job_is_acked(bench):
    async def handler(job, params: Params):
        return {"doubled": params.count * 2}

    assert await bench.run(handler, b'{"count": 4}') == ["ack"]
    assert statuses(bench) == ["processing", "completed"]
    assert (bench.last.progress, bench.last.data) == (100.0, {"doubled": 8})
    assert bench.metrics.seen == ["started", "completed"]


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
    assert bench.last.error == ErrorInfo("ValueError", "boom", True)
    assert bench.archive.dead == []


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
    assert bench.last.error == ErrorInfo("Timeout", "took longer than 0.01 s", True)
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


async def test_thread_that_never_looks_is_left_behind(bench, quick_stop):
    release = threading.Event()
    assert await bench.run(lambda job: release.wait(10), timeout=0.01) == ["ack"]
    assert bench.last.error.type == "Timeout"
    release.set()


async def test_coroutine_that_swallows_its_cancellation_is_left_behind(bench, quick_stop):
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
    monkeypatch.setattr("headway_processor.attempt.watch", lambda *_: asyncio.sleep(0))

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


async def test_job_handed_back_before_it_began_is_not_kept(bench):
    async def handler(job):
        await asyncio.Event().wait()

    run = bench.job(handler)
    run.hand_back()
    await run.run()
    assert statuses(bench) == ["processing", "retrying"]
    assert run.delivery.answers == [("nak", 0.0)]


async def test_vanished_attempt_is_tried_again_and_given_up_in_the_end(bench):
    await append(bench, progress(failed=1), Chunk(text="a", offset=0), attempt=2)
    assert await bench.run(noop) == ["ack"]
    assert (bench.last.attempt, bench.last.failed) == (3, 2)


async def test_task_whose_attempts_all_vanish_is_given_up(bench):
    await append(bench, progress(percent=40.0, failed=2, eta=3.0), attempt=3)
    assert await bench.run(noop) == ["ack"]
    last = bench.last
    assert (last.status, last.error.type, last.progress, last.failed, last.eta) == ("error", "Lost", 40.0, 3, None)
    assert [reason for *_, reason in bench.archive.dead] == ["Lost: given up: 3 attempts failed or vanished"]
    assert bench.metrics.seen == ["buried"]


async def test_task_that_was_cancelled_in_the_queue_is_not_run(bench):
    await append(bench, progress("queued"), Cancel(reason="no"))
    assert await bench.run(noop) == ["ack"]
    assert statuses(bench) == ["queued", "Cancel", "cancelled"]


async def test_task_that_has_ended_is_not_run(bench):
    await append(bench, progress("completed", 100))
    assert await bench.run(noop) == ["ack"]
    assert statuses(bench) == ["completed"]


async def test_cancel_that_comes_while_an_attempt_begins_is_obeyed(bench, monkeypatch):
    await append(bench, progress("queued"))
    real = bench.log.put

    async def put(*args, **options):
        monkeypatch.setattr(bench.log, "put", real)
        await append(bench, Cancel(reason=""))
        return await real(*args, **options)

    monkeypatch.setattr(bench.log, "put", put)
    assert await bench.run(noop) == ["ack"]
    assert statuses(bench) == ["queued", "Cancel", "cancelled"]


async def test_attempt_that_another_processor_has_begun_is_left_alone(bench, monkeypatch):
    await append(bench, progress("queued"))
    real = bench.log.put

    async def put(*args, **options):
        monkeypatch.setattr(bench.log, "put", real)
        await append(bench, progress(), attempt=1)
        return await real(*args, **options)

    monkeypatch.setattr(bench.log, "put", put)
    assert await bench.run(noop) == []
    assert statuses(bench) == ["queued", "processing"]


@pytest.mark.parametrize("params", [b'{"count": "4"}', b"{}", b"[]", b"null", b'{"count": 1e400}'])
async def test_params_that_do_not_fit_end_the_task_at_once(bench, params):
    await append(bench, progress("queued"))

    async def handler(job, params: Params):
        raise AssertionError

    assert await bench.run(handler, params, retries=3) == ["ack"]
    assert (bench.last.status, bench.last.error.type, bench.last.attempt) == ("error", "InvalidParams", 0)
    assert len(bench.archive.dead) == 1


async def test_params_for_a_handler_that_takes_none_do_not_fit(bench):
    assert await bench.run(noop, b'{"count": 4}') == ["ack"]
    assert bench.last.error.type == "InvalidParams"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"task": "t1"}',
        codec.encode_json(Job(task="other", kind="k")),
        codec.encode_json(Job(task="t1", kind="other")),
    ],
)
async def test_malformed_job_is_set_aside(bench, payload):
    bench.archive.away = 1
    assert await bench.run(noop, payload=payload) == ["term"]
    assert [dead[:3] for dead in bench.archive.dead] == [("k", "t1", payload)]
    assert bench.events == []
    assert bench.metrics.seen == ["malformed", "buried"]


async def test_malformed_job_ends_the_task_whose_place_it_took(bench):
    await append(bench, progress("queued"))
    assert await bench.run(noop, payload=b"{") == ["term"]
    assert bench.last.error.type == "MalformedJob"


@pytest.mark.parametrize("value", [object(), {"a": {1, object()}}, "\ud800", threading.Lock()])
async def test_result_without_a_json_form_fails_the_task(bench, value):
    assert await bench.run(lambda job: value, retries=3) == ["ack"]
    assert bench.last.error.type == "UnserialisableResult"


async def test_large_result_goes_to_the_store(bench):
    bench.archive.away = 1
    value = "x" * MAX_RESULT_BYTES
    assert await bench.run(lambda job: value) == ["ack"]
    assert bench.last.data == {"href": "/api/v1/tasks/t1/result", "bytes": MAX_RESULT_BYTES + 2}
    assert bench.archive.results == {"t1": codec.encode_json(value)}


async def test_a_result_that_the_log_never_takes_fails_the_task(bench):
    """A server with a small max_payload: another attempt would end with the same bytes."""
    bench.log.limit_bytes = 1000
    assert await bench.run(lambda job: "x" * 1000, retries=3) == ["ack"]
    assert (bench.last.status, bench.last.error.type) == ("error", "ResultTooLarge")


async def test_a_result_that_the_archive_never_takes_fails_the_task(bench, monkeypatch):
    async def refuse(task, result):
        raise TooLargeError("the result")

    monkeypatch.setattr(bench.archive, "keep_result", refuse)
    assert await bench.run(lambda job: "x" * MAX_RESULT_BYTES, retries=3) == ["ack"]
    assert (bench.last.status, bench.last.error.type) == ("error", "ResultTooLarge")


async def test_large_result_of_a_superseded_attempt_is_not_stored(bench, monkeypatch):
    monkeypatch.setattr("headway_processor.attempt.watch", lambda *_: asyncio.sleep(0))

    async def handler(job):
        await append(bench, progress(), attempt=2)
        return "x" * MAX_RESULT_BYTES

    assert await bench.run(handler) == []
    assert bench.archive.results == {}


async def test_job_is_run_when_the_log_is_back(bench):
    bench.log.away = True
    running = asyncio.create_task(bench.run(noop))
    await asyncio.sleep(0)
    bench.log.away = False
    assert await running == ["ack"]
    assert bench.last.status == "completed"


async def test_running_job_is_kept_from_others(bench):
    bench.settings = msgspec.structs.replace(bench.settings, ack_wait_seconds=0.01)

    async def handler(job):
        await until(lambda: run.delivery.kept > 2)

    run = bench.job(handler)
    await run.run()
    assert bench.last.status == "completed"


async def test_failure_of_our_own_leaves_the_job_to_another_delivery(bench, monkeypatch):
    async def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("headway_processor.job.latest_progress", broken)
    assert await bench.run(noop) == []
