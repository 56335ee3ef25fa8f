"""`track`: nothing outside of a task, a bar inside of one."""

import asyncio
import logging
import multiprocessing
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from headway import TaskCancelledError, current_job, track
from headway.errors import CancelRequestedError
from headway.executor import ContextThreadPoolExecutor
from headway.testing import MemoryLog, start_job
from headway.track import current


@pytest.fixture
def inside():
    """Makes a job the current one until the end of the test."""
    tokens = []
    yield lambda job: tokens.append(current.set(job))
    tokens.clear()


async def started(inside) -> tuple[MemoryLog, object]:
    log = MemoryLog()
    job = start_job(log)
    inside(job)
    return log, job


def test_outside_of_a_task_the_rows_pass_through():
    assert current_job() is None
    assert list(track([1, 2, 3], total=9, unit="rows")) == [1, 2, 3]


def test_outside_of_a_task_rows_are_taken_one_by_one():
    rows = iter([1, 2, 3])
    tracked = track(rows)
    assert next(tracked) == 1
    assert list(rows) == [2, 3]


@pytest.mark.looptime
async def test_inside_of_a_task_each_row_advances_its_bar(inside):
    log, job = await started(inside)
    seen = []
    for row in track(["a", "b", "c", "d"], unit="rows"):
        seen.append(row)
        await asyncio.sleep(1)
    await job.finish("completed")
    assert seen == ["a", "b", "c", "d"]
    shown = [(event.done, event.total, event.unit, event.progress) for event in log.events("t1")]
    assert shown == [
        (None, 4, "rows", 0),
        (1, 4, "rows", 25),
        (2, 4, "rows", 50),
        (3, 4, "rows", 75),
        (4, 4, "rows", 99.9),
        (4, 4, "rows", 100),
    ]


@pytest.mark.looptime
async def test_rows_without_a_length_are_counted_without_a_total(inside):
    log, job = await started(inside)
    assert len(list(track(row for row in "abc"))) == 3
    await job.finish("completed")
    assert (log.events("t1")[-1].done, log.events("t1")[-1].total) == (3, None)


@pytest.mark.looptime
async def test_a_total_can_be_given(inside):
    log, job = await started(inside)
    list(track((row for row in "abc"), total=6))
    await job.finish("error")
    assert (log.events("t1")[-1].total, log.events("t1")[-1].progress) == (6, 50)


@pytest.mark.looptime
async def test_a_loop_that_is_left_early_counts_what_was_done(inside):
    log, job = await started(inside)
    for row in track(range(10)):
        if row == 3:
            break
    await job.finish("error")
    assert log.events("t1")[-1].done == 3


@pytest.mark.looptime
async def test_a_thread_of_the_task_finds_its_job(inside):
    log, job = await started(inside)
    assert await asyncio.to_thread(current_job) is job
    await asyncio.to_thread(lambda: list(track(range(5))))
    await job.finish("completed")
    assert log.events("t1")[-1].done == 5


@pytest.mark.looptime
async def test_two_tasks_do_not_see_each_other(inside):
    async def handler(task: str) -> str:
        job = start_job(MemoryLog(), task)
        current.set(job)
        await asyncio.sleep(1)
        await job.finish("completed")
        return current_job().task

    assert await asyncio.gather(handler("a"), handler("b")) == ["a", "b"]
    assert current_job() is None


@pytest.mark.looptime
async def test_a_cancelled_task_ends_its_loop(inside):
    _, job = await started(inside)
    rows = track(range(10))
    assert [next(rows), next(rows)] == [0, 1]
    job.stop(CancelRequestedError("t1", "enough"))
    with pytest.raises(TaskCancelledError, match="enough"):
        next(rows)
    await job.finish("cancelled")


@pytest.fixture
def warnings(caplog, monkeypatch):
    """The actions of the warnings that come."""
    monkeypatch.setattr(sys.modules["headway.track"], "_warned", [])  # the package's `track` is the function
    caplog.set_level(logging.WARNING)
    return lambda: [record.action for record in caplog.records]


async def test_a_pool_that_carries_the_context_finds_the_job(inside, warnings):
    log, job = await started(inside)
    with ContextThreadPoolExecutor(2) as pool:
        counts = await asyncio.to_thread(lambda: list(pool.map(lambda rows: len(list(track(range(rows)))), [2, 3])))
    await job.finish("completed")
    assert counts == [2, 3]
    assert log.events("t1")[-1].done in (5, 3, 2)  # counted together, or one after the other
    assert warnings() == []


async def test_a_thread_that_does_not_know_its_task_is_logged_once(inside, warnings):
    log, job = await started(inside)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda rows: list(track(rows)), ["ab", "c"])) == [["a", "b"], ["c"]]
    thread = threading.Thread(target=lambda: list(track("abc")))
    thread.start()
    thread.join()
    await job.finish("completed")
    assert warnings() == ["track_without_task"]
    assert log.events("t1")[-1].done is None


async def test_without_any_task_nothing_is_said(warnings):
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: list(track("ab"))).result() == ["a", "b"]
    assert warnings() == []


def work_in_process(rows):
    job = current_job()
    return job is None, len(list(track(range(rows))))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
async def test_a_forked_process_runs_a_plain_loop(inside, warnings):
    log, job = await started(inside)
    job.update(message="here")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        assert pool.submit(work_in_process, 5).result() == (True, 5)
    await job.finish("completed")
    assert log.events("t1")[-1].done is None


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
async def test_a_job_that_a_forked_process_calls_does_not_block_it(inside):
    def report(done) -> None:
        job.chunk("a")
        job.log("b")
        job.step("c")
        done.set()

    _, job = await started(inside)
    context = multiprocessing.get_context("fork")
    done = context.Event()
    with job._outbox._room:  # as another thread may when the process is forked
        child = context.Process(target=report, args=(done,))
        child.start()
    assert await asyncio.to_thread(done.wait, 10)
    child.join(10)
    assert child.exitcode == 0
    await job.abort()
