"""The methods of `Job`, and `headway.track` within and outside of a task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import msgspec

from headway import Job, current_job, track
from headway.children.blocking import BlockingChild
from headway.children.child import Child
from headway.errors import ChildFailedError
from headway.executor import ContextThreadPoolExecutor


async def reports(job: Job) -> None:
    job.update(12.5, "reading")
    job.update(done=3, total=10, unit="pages", initial=2)
    job.update(message="reading")
    job.advance()
    job.advance(2.5, "more")
    job.step("Reading", total=10, unit="pages", upto=40)
    job.chunk("text")
    job.chunk("text", channel="reasoning")
    job.log("a line")
    job.log("a line", "warning", logger="reader")
    assert_type(await job.flush(), None)
    assert_type(job.task, str)
    assert_type(job.kind, str)
    assert_type(job.attempt, int)
    assert_type(job.failed, int)
    assert_type(job.cancelled, bool)


class State(msgspec.Struct):
    """The state of a handler."""

    page: int


def checkpoints(job: Job) -> None:
    job.checkpoint(State(1))
    job.checkpoint(lambda: State(1), every=10.0)
    assert_type(job.restore(State), State | None)
    assert_type(job.restore(list[int]), list[int] | None)
    job.checkpoint(State(1), 10.0)  # type: ignore[call-arg]
    job.checkpoint(State(1), every="10")  # type: ignore[arg-type]
    job.restore()  # type: ignore[call-arg]


def loops(job: Job, paths: list[Path], lines: Iterator[bytes]) -> None:
    for path in job.track(paths, total=3, unit="files", message="reading", initial=1):
        assert_type(path, Path)
    for line in track(lines, total=100.0, unit="lines"):
        assert_type(line, bytes)
    assert_type(track(range(3)), Iterator[int])
    assert_type(current_job(), Job | None)


def threads(names: list[str]) -> None:
    with ContextThreadPoolExecutor(2) as pool:
        assert_type(pool.submit(len, names).result(), int)
        assert_type(list(pool.map(len, names)), list[int])


async def children(job: Job) -> None:
    child = await job.submit("resize", {"a": 1}, weight=2, title="One", tags=["eu"], key="one")
    assert_type(child, Child)
    assert_type(await child, Any)
    assert_type(child.failure(), ChildFailedError | None)
    assert_type(await job.gather(child, on_failure="continue"), list[Any])
    async for each in job.as_completed(child):
        assert_type(each, Child)
    other = job.blocking.submit("resize")
    assert_type(other, BlockingChild)
    assert_type(job.blocking.gather(other), list[Any])
    for one in job.blocking.as_completed(other):
        assert_type(one.result(), Any)
    await job.gather(child, on_failure="ignore")  # type: ignore[arg-type]
    await job.gather([child])  # type: ignore[arg-type]
    await job.submit()  # type: ignore[call-arg]
    await job.submit("resize", weight="2")  # type: ignore[arg-type]
    await job.gather(other)  # type: ignore[arg-type]
    job.blocking.gather(child)  # type: ignore[arg-type]


async def errors(job: Job) -> None:
    job.update("50 %")  # type: ignore[arg-type]
    job.update(percent=50)  # type: ignore[call-arg]
    job.step()  # type: ignore[call-arg]
    job.chunk(b"bytes")  # type: ignore[arg-type]
    job.chunk("text", "reasoning")  # type: ignore[call-arg]
    job.log("a line", "loud")  # type: ignore[arg-type]
    job.cancelled = True  # type: ignore[misc]
    for _ in job.track(3):  # type: ignore[arg-type]
        pass
    for _ in track(None):  # type: ignore[arg-type]
        pass
    current_job().update(5)  # type: ignore[union-attr]
