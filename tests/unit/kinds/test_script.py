"""The kind `script` does exactly what its parameters say."""

import asyncio
import os
import signal

import msgspec
import pytest

from headway import TaskError
from headway.events import Chunk, LogLine, Progress
from headway.kind import REGISTRY
from headway.testing import MemoryLog, start_job
from headway_kinds.script import DEMO, Failure, ScriptParams, Step, Summary, script

pytestmark = pytest.mark.looptime


class Played:
    """A script that has ended."""

    def __init__(self, result, events, seconds):
        self.result = result
        self.seconds = seconds
        self.progress = [event for event in events if isinstance(event, Progress)]
        self.lines = [event.message for event in events if isinstance(event, LogLine)]
        self.chunks = [event for event in events if isinstance(event, Chunk)]
        self.text = "".join(chunk.text for chunk in self.chunks)


async def played(*steps, attempt=1, **params):
    log, clock = MemoryLog(), asyncio.get_running_loop().time
    job = start_job(log, attempt=attempt, clock=clock)
    began = clock()
    try:
        result = await script(job, ScriptParams(steps=list(steps), **params))
        seconds = clock() - began
        await job.finish("completed", data=result)
    finally:
        await job.abort()
    return Played(result, log.events("t1"), seconds)


async def test_without_steps_a_demo_of_ten_seconds_is_played():
    demo = await played()
    assert demo.seconds == pytest.approx(10, abs=0.1)
    assert list(dict.fromkeys(event.step for event in demo.progress)) == [step.name for step in DEMO]
    assert demo.text.startswith("A bar that moves")
    assert len(demo.chunks) > 10
    assert demo.lines
    assert demo.progress[-1].status == "completed"


async def test_a_step_counts_its_ticks_over_its_seconds():
    run = await played(Step(name="Work", seconds=4, ticks=8, unit="rows"))
    assert run.seconds == pytest.approx(4, abs=0.05)
    counts = [event.done for event in run.progress if event.done]
    assert counts == [1, 2, 3, 4, 5, 6, 7, 8, 8]
    assert (run.progress[-1].total, run.progress[-1].unit) == (8, "rows")


async def test_a_step_of_no_seconds_is_as_fast_as_possible():
    run = await played(Step(name="Now", seconds=0, ticks=1000))
    assert run.seconds < 1
    assert run.progress[-1].done == 1000


async def test_steps_share_the_bar():
    run = await played(Step(name="One", seconds=1), Step(name="Two", seconds=1))
    assert max(event.progress for event in run.progress if event.step == "One") == 50


async def test_chunks_come_in_order_and_spread_over_the_ticks():
    run = await played(Step(name="Write", seconds=4, ticks=4, chunks=["a", "b", "c", "d"]))
    assert [chunk.text for chunk in run.chunks] == ["a", "b", "c", "d"]


async def test_all_chunks_come_whatever_the_ticks():
    for ticks in (1, 3, 7, 50):
        assert (await played(Step(name="Write", seconds=1, ticks=ticks, chunks=list("abcdefg")))).text == "abcdefg"


async def test_numbered_text_is_put_out_as_often_as_asked():
    run = await played(Step(name="Write", seconds=0, text="<{n}>", count=1000))
    assert run.text == "".join(f"<{number}>" for number in range(1, 1001))
    assert run.result == Summary(steps=1, ticks=10, chunks=1000, chars=len(run.text), attempt=1)


async def test_braces_in_a_text_mean_nothing_else():
    assert (await played(Step(name="Write", seconds=0, text="{n.__class__}{0}", count=1))).text == "{n.__class__}{0}"


async def test_more_output_than_memory_should_hold_is_waited_for():
    run = await played(Step(name="Write", seconds=0, ticks=1, text="x" * 10_000, count=2000))
    assert len(run.text) == 20_000_000


async def test_a_line_is_logged_at_the_start_of_a_step():
    assert (await played(Step(name="Work", seconds=0, log="hello"))).lines == ["hello"]


@pytest.mark.parametrize("retryable", [True, False])
async def test_a_step_fails_as_asked(retryable):
    with pytest.raises(TaskError) as raised:
        await played(Step(name="Work", seconds=0, fail=Failure(message="no disk", type="Disk", retryable=retryable)))
    error = raised.value
    assert (error.message, error.type, error.retryable) == ("no disk", "Disk", retryable)


async def test_a_step_fails_on_the_named_attempts_only():
    step = Step(name="Work", seconds=0, fail=Failure(on_attempts=[1, 3]))
    for attempt in (1, 3):
        with pytest.raises(TaskError):
            await played(step, attempt=attempt)
    assert (await played(step, attempt=2)).result.attempt == 2


async def test_a_step_fails_after_its_ticks():
    log = MemoryLog()
    job = start_job(log)
    with pytest.raises(TaskError):
        await script(job, ScriptParams(steps=[Step(name="Work", seconds=1, ticks=4, fail=Failure())]))
    await job.finish("error")
    await job.abort()
    assert log.events("t1")[-1].done == 4


async def test_a_step_hangs_on_the_named_attempts_only():
    step = Step(name="Work", seconds=0, hang=[1])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(played(step, attempt=1), 1000)
    assert (await played(step, attempt=2)).result.attempt == 2


async def test_a_step_kills_its_process_on_the_named_attempts_only(monkeypatch):
    kills = []
    monkeypatch.setattr(os, "kill", lambda *kill: kills.append(kill))
    step = Step(name="Work", seconds=0, crash=[1])
    await played(step, attempt=2)
    assert kills == []
    await played(step, attempt=1)
    assert kills == [(os.getpid(), signal.SIGKILL)]


@pytest.mark.parametrize("result", ["text", 0, [1, {"a": None}], {"any": "thing"}])
async def test_the_result_is_what_was_asked_for(result):
    assert (await played(Step(name="Work", seconds=0), result=result)).result == result


async def test_a_result_is_as_large_as_asked_for():
    assert len((await played(Step(name="Work", seconds=0), result_bytes=100_000)).result) == 100_000


def test_the_kind_needs_no_parameters():
    record = REGISTRY.get("script").record()
    assert record.params["required"] == []
    assert (record.retries, record.concurrency) == (2, 200)
    assert msgspec.convert({}, ScriptParams) == ScriptParams()


@pytest.mark.parametrize(
    "step", [{}, {"name": "x", "seconds": -1}, {"name": "x", "ticks": 0}, {"name": "x", "crash": [0]}, {"nam": "x"}]
)
def test_a_step_that_does_not_fit_is_refused(step):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"steps": [step]}, ScriptParams)
