"""The kind `script`: does what its parameters say. For tests, load and demonstrations."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Annotated, Any

import msgspec

from headway import Job, TaskError, task

FLUSH_CHARS = 1024 * 1024
"""Output after which the script waits until it is stored; unbounded output would end the task."""

Attempts = Annotated[list[Annotated[int, msgspec.Meta(ge=1)]], msgspec.Meta(max_length=100)]


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The error of a step."""

    message: Annotated[str, msgspec.Meta(title="Message", description="Error message.", max_length=4000)] = (
        "The script fails here."
    )
    type: Annotated[str, msgspec.Meta(title="Type", description="Error type, for programs.", max_length=80)] = (
        "ScriptedFailure"
    )
    retryable: Annotated[bool, msgspec.Meta(title="Retryable", description="Whether the attempt may be repeated.")] = (
        True
    )
    on_attempts: Annotated[
        Attempts, msgspec.Meta(title="On attempts", description="Attempts that fail; empty for all.", examples=[[1]])
    ] = []


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step: logs, counts its ticks, and at its end may crash, hang or fail."""

    name: Annotated[str, msgspec.Meta(title="Name", max_length=200)]
    seconds: Annotated[
        float,
        msgspec.Meta(title="Seconds", description="Duration; 0 for as fast as possible.", ge=0, le=86_400),
    ] = 1.0
    ticks: Annotated[
        int, msgspec.Meta(title="Ticks", description="Number of parts of the step.", ge=1, le=1_000_000)
    ] = 10
    unit: Annotated[str, msgspec.Meta(title="Unit", description="Name of a tick.", max_length=40)] = "ticks"
    chunks: Annotated[
        list[str],
        msgspec.Meta(title="Chunks", description="Output, distributed evenly over the ticks.", max_length=100_000),
    ] = []
    text: Annotated[
        str,
        msgspec.Meta(
            title="Text",
            description="Output instead of chunks; {n} becomes 1, 2, 3 …",
            max_length=10_000,
            examples=["token {n} "],
        ),
    ] = ""
    count: Annotated[
        int, msgspec.Meta(title="Count", description="How often the text is output.", ge=0, le=1_000_000)
    ] = 0
    log: Annotated[str, msgspec.Meta(title="Log", description="Line logged at the start.", max_length=4000)] = ""
    fail: Annotated[Failure | None, msgspec.Meta(title="Fail", description="End the attempt with an error.")] = None
    crash: Annotated[
        Attempts,
        msgspec.Meta(title="Crash", description="Attempts in which the processor is killed.", examples=[[1]]),
    ] = []
    hang: Annotated[
        Attempts,
        msgspec.Meta(title="Hang", description="Attempts in which the step waits indefinitely.", examples=[[1]]),
    ] = []


class ScriptParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of `script`."""

    steps: Annotated[
        list[Step],
        msgspec.Meta(title="Steps", description="Empty for a demo of ten seconds.", max_length=1000),
    ] = []
    result: Annotated[Any, msgspec.Meta(title="Result", description="Result of the task; null for a summary.")] = None
    result_bytes: Annotated[
        int,
        msgspec.Meta(
            title="Result size", description="Length of a text to return instead, in bytes.", ge=0, le=64 * 1024 * 1024
        ),
    ] = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a script without `result`."""

    steps: int
    ticks: int
    chunks: int
    chars: int
    attempt: int


_POEM = (
    "A bar that moves is half the wait; a bar that stops, you call it late. So tell them what is done by now, how much "
    "is left, and even how: the step, the rate, the time to go. The rest is work. But let it show."
)
DEMO = [
    Step(name="Gathering", seconds=2, ticks=20, unit="files", log="Three steps, about ten seconds"),
    Step(name="Writing", seconds=5, ticks=50, unit="words", chunks=[f"{word} " for word in _POEM.split()]),
    Step(name="Checking", seconds=3, ticks=300, unit="rows"),
]


@task("script", retries=2, concurrency=200)
async def script(job: Job, params: ScriptParams) -> Any:
    """Run a script of steps, output and failures; by default a demo of ten seconds."""
    steps = params.steps or DEMO
    chars = 0
    for number, step in enumerate(steps, 1):
        job.step(step.name, total=step.ticks, unit=step.unit, upto=100 * number / len(steps))
        chars += await _play(job, step)
        await _end(job, step)
    if params.result_bytes:
        return "x" * params.result_bytes
    if params.result is not None:
        return params.result
    return Summary(
        steps=len(steps),
        ticks=sum(step.ticks for step in steps),
        chunks=sum(chunk_count(step) for step in steps),
        chars=chars,
        attempt=job.attempt,
    )


def chunk_count(step: Step) -> int:
    """Return the number of chunks that `step` outputs."""
    return len(step.chunks) or (step.count if step.text else 0)


def chunk_at(step: Step, number: int) -> str:
    """Return a chunk of `step` by its number, from 1."""
    return step.chunks[number - 1] if step.chunks else step.text.replace("{n}", str(number))


async def _play(job: Job, step: Step) -> int:
    if step.log:
        job.log(step.log)
    now = asyncio.get_running_loop().time
    began, count = now(), chunk_count(step)
    put = chars = waiting = 0
    for tick in range(1, step.ticks + 1):
        await asyncio.sleep(max(began + step.seconds * tick / step.ticks - now(), 0))
        while put < count * tick // step.ticks:
            put += 1
            chunk = chunk_at(step, put)
            job.chunk(chunk)
            chars, waiting = chars + len(chunk), waiting + len(chunk)
            if waiting > FLUSH_CHARS:
                await job.flush()
                waiting = 0
        job.update(done=tick)
    return chars


async def _end(job: Job, step: Step) -> None:
    if job.attempt in step.crash:
        os.kill(os.getpid(), signal.SIGKILL)  # no signal handler runs, as when the kernel is out of memory
    if job.attempt in step.hang:
        await asyncio.Event().wait()
    if step.fail is not None and (not step.fail.on_attempts or job.attempt in step.fail.on_attempts):
        raise TaskError(step.fail.message, type=step.fail.type, retryable=step.fail.retryable)
