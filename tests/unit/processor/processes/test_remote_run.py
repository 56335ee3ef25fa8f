"""A handler in a process, seen from its processor: reports are stored, and whatever happens is a value."""

import asyncio

import pytest

from headway.checkpoint import Checkpoint, StoredCheckpoint, unpack
from headway.errors import CancelRequestedError
from headway.events import Chunk, ErrorInfo
from headway.failure import Failure
from headway.kind import Registry
from headway.task import task
from headway.testing import MemoryCheckpoints, MemoryLog, progress, start_job
from headway.values.results import Encoded, Place
from headway_processor.outcome import Failed, Returned
from headway_processor.processes.errors import MalformedFrameError, PipeClosedError, ProcessStartError
from headway_processor.processes.frames import Begun, Error, Report, Result, Run, Save, Stop, Stored
from headway_processor.processes.pool import Pool
from headway_processor.processes.remote_run import MAX_PROCESSES
from tests.fixtures.condition import until
from tests.unit.processor.processes.fake_process import FakeProcess, idle, script

RESULT = Result(raw=b"3")
RETURNED = Returned(Encoded(b"3"))


class Remote:
    """A run in fake processes, on a log in memory."""

    def __init__(self, *made, memory=None, **options):
        self.log = MemoryLog()
        self.job = start_job(self.log, failed=1, attempt=2, **options)
        self.processes = list(made)
        self.spawned = []
        self.pool = Pool(self._spawn, tasks=0, memory_bytes=0)
        registry = Registry()
        task("k", registry=registry, executor="process", memory=memory)(lambda job: None)
        self.run = self.pool.start(registry.get("k"), self.job.lifecycle, b"{}")

    async def _spawn(self):
        if not self.processes:
            raise ProcessStartError("no more processes")
        self.spawned.append(self.processes.pop(0))
        return self.spawned[-1]

    async def close(self):
        await self.job.abort()
        await self.pool.close()


def ends_with(*answers, **options):
    return FakeProcess(script(run=answers), **options)


async def test_a_result_is_the_outcome_when_all_reports_are_stored():
    def answers(order):
        match order:
            case Run():
                return [Begun(), Report(event=progress("processing", 40.0, message="half", done=2.0, total=5.0))]
            case Stored() if len(process.orders) == 2:
                return [RESULT, Report(event=Chunk(text="late", offset=0))]
            case Stored():
                return [idle()]

    process = FakeProcess(answers)
    remote = Remote(process)
    assert await remote.run.settled() == RETURNED
    assert process.orders[0] == Run(kind="k", task="t1", attempt=2, failed=1, params=b"{}")
    assert remote.run.future.result() == RETURNED
    await remote.job.finish("completed", data=3)
    events = remote.log.events("t1")
    assert [getattr(event, "status", "chunk") for event in events] == ["processing", "chunk", "completed"]
    assert [event.n for event in events] == [1, 2, 3]
    assert (events[-1].message, events[-1].done, events[-1].total, events[-1].failed) == ("half", 2.0, 5.0, 1)
    assert await remote.pool.take() is process
    await remote.close()


async def test_a_checkpoint_is_stored_and_named_by_the_progress_after_it():
    def answers(order):
        match order:
            case Run():
                return [Begun(), Save(packed=b"one")]
            case Stored(checkpoint=number) if number:
                return [Report(event=progress(checkpoint=number)), *([Save(packed=b"two")] if number == 1 else [])]
            case Stored() if remote.job.lifecycle.has_checkpoint and len(store.kept) == 1 and ("t1", 2) in store.kept:
                return [RESULT, idle()]

    store = MemoryCheckpoints()
    remote = Remote(FakeProcess(answers), checkpoints=store)
    assert await remote.run.settled() == RETURNED
    assert store.kept == {("t1", 2): b"two"}
    await remote.job.finish("error")
    assert [event.checkpoint for event in remote.log.events("t1")] == [1, 2, 2]
    await remote.close()


async def test_a_checkpoint_that_is_refused_has_no_number():
    store = MemoryCheckpoints()
    store.away = True
    process = ends_with(Begun(), Save(packed=b"one"), RESULT, idle())
    remote = Remote(process, checkpoints=store)
    assert await remote.run.settled() == RETURNED
    assert process.orders[1:] == [Stored()]
    await remote.close()


async def test_a_process_gets_the_checkpoint_from_which_it_continues():
    resumed = StoredCheckpoint(7, Checkpoint(state=b"state", done=3))
    process = ends_with(Begun(), RESULT, idle())
    remote = Remote(process, resumed=resumed)
    await remote.run.settled()
    assert (process.orders[0].checkpoint, unpack(process.orders[0].packed)) == resumed[:2]
    await remote.close()


@pytest.mark.parametrize(
    ("answers", "options", "error"),
    [
        (
            [Begun(), PipeClosedError("")],
            {"exit_code": -9},
            ErrorInfo("ProcessKilled", "the handler's process was killed by SIGKILL", retryable=True, transient=True),
        ),
        (
            [Begun(), RESULT, PipeClosedError("")],  # what it has reported last is lost
            {"exit_code": 3},
            ErrorInfo("ProcessExited", "the handler's process exited with status 3", retryable=True),
        ),
        ([Begun(), MalformedFrameError("garbage")], {}, ErrorInfo("MalformedReport", "garbage", retryable=True)),
        (
            [Begun(), idle()],
            {},
            ErrorInfo("MalformedReport", "the handler's process sent Idle out of turn", retryable=True),
        ),
    ],
    ids=["killed", "exits after its end", "garbage", "no end"],
)
async def test_a_process_that_does_not_answer_properly_is_one_failed_attempt(answers, options, error):
    process = ends_with(*answers, **options)
    remote = Remote(process)
    assert await remote.run.settled() == Failed(Failure(error))
    assert process.killed
    await remote.close()


async def test_an_error_is_as_the_process_describes_it():
    error = ErrorInfo("ValueError", "boom", retryable=True, traceback="there")
    remote = Remote(ends_with(Begun(), Error(error=error, retry_in=3.0), idle()))
    assert await remote.run.settled() == Failed(Failure(error, 3.0))
    await remote.close()


async def test_parts_of_a_result_that_are_text_are_named():
    result = Result(raw=b'{"a":"x"}', places=[("/a", "object")], left_out=1)
    remote = Remote(ends_with(Begun(), result, idle()))
    assert await remote.run.settled() == Returned(Encoded(b'{"a":"x"}', (Place("/a", "object"),), 1))
    await remote.close()


async def test_a_process_that_ended_while_it_was_idle_costs_no_attempt():
    remote = Remote(ends_with(PipeClosedError("")), ends_with(Begun(), RESULT, idle()))
    assert await remote.run.settled() == RETURNED
    await remote.close()


async def test_processes_that_never_begin_are_a_failed_attempt_at_last():
    remote = Remote(*(ends_with(PipeClosedError("")) for _ in range(MAX_PROCESSES + 1)))
    outcome = await remote.run.settled()
    assert (outcome.failure.error.type, len(remote.spawned)) == ("ProcessStartFailed", MAX_PROCESSES)
    await remote.close()


async def test_a_process_that_cannot_start_is_a_failed_attempt():
    remote = Remote()
    outcome = await remote.run.settled()
    error = outcome.failure.error
    assert (error.type, error.message, error.retryable) == ("ProcessStartFailed", "no more processes", True)
    await remote.close()


async def test_the_handler_is_told_once_why_it_should_end():
    process = FakeProcess(script(run=[Begun()], stop=[RESULT, idle()]))
    remote = Remote(process)
    await until(remote.run.begun.is_set)
    remote.job.stop(CancelRequestedError("t1", "enough"))
    remote.run.interrupt()
    remote.run.interrupt()
    assert await remote.run.settled() == RETURNED
    assert process.stops == [Stop(text="enough", cancelled=True)]
    await remote.close()


async def test_a_handler_that_is_stopped_while_its_process_starts_is_told_when_it_begins():
    process = FakeProcess(script(run=[Begun()], stop=[RESULT, idle()]))
    remote = Remote(process)
    remote.job.stop(CancelRequestedError("t1", ""))
    remote.run.interrupt()
    await remote.run.settled()
    assert len(process.stops) == 1
    await remote.close()


async def test_a_process_that_is_killed_ends_the_run():
    process = FakeProcess(script(run=[Begun()]), exit_code=-9)
    remote = Remote(process)
    await until(remote.run.begun.is_set)
    remote.run.kill()
    outcome = await remote.run.settled()
    assert outcome.failure.error.type == "ProcessKilled"
    await remote.close()


async def test_a_run_whose_process_has_not_started_can_be_ended():
    remote = Remote()
    remote.pool._spawn = asyncio.Event().wait
    await asyncio.sleep(0)
    remote.run.kill()
    await asyncio.wait({remote.run.task})
    assert remote.run.future.cancelled()
    await remote.close()


def reports_after_its_end():
    """A process whose last report is stored after its handler has returned."""

    def answers(order):
        match order:
            case Run():
                return [Begun(), RESULT, Report(event=Chunk(text="late", offset=0))]
            case Stored():
                return [idle()]

    return FakeProcess(answers)


async def test_the_end_of_a_handler_is_known_while_its_last_reports_wait_for_nats():
    remote = Remote(reports_after_its_end())
    remote.log.away = True
    await until(remote.run.future.done)
    assert not remote.run.task.done()
    remote.log.away = False
    assert await remote.run.settled() == RETURNED
    assert [event.text for event in remote.log.events("t1")] == ["late"]
    await remote.close()


async def test_a_pool_that_is_closed_does_not_wait_for_nats():
    process = reports_after_its_end()
    remote = Remote(process)
    remote.log.away = True
    await until(remote.run.future.done)
    await remote.pool.close()
    assert remote.run.task.done()
    assert (process.killed, process.closed) == (True, True)
    remote.log.away = False
    await remote.job.abort()


async def test_a_process_is_not_killed_when_all_is_settled():
    process = ends_with(Begun(), RESULT, idle())
    remote = Remote(process)
    await remote.run.settled()
    remote.run.kill()
    assert not process.killed
    await remote.close()
