"""The forms of `@task`: what is decorated keeps its type."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

import msgspec

from headway import Job, TaskCancelledError, TaskError, task
from headway.kind import Kind, Registry


class Struct(msgspec.Struct):
    url: str


@dataclass
class Data:
    url: str


class Typed(TypedDict):
    url: str


@task
async def bare(job: Job) -> int:
    return 1


@task()
async def called(job: Job, params: Struct) -> str:
    return params.url


@task("labelled", title="Crawl {url}", tags=["web", "eu"], unique="{url}")
async def labelled(job: Job, params: Struct) -> str:
    return params.url


@task("named")
def in_a_thread(job: Job, params: Data) -> dict[str, int]:
    return {params.url: 1}


@task("in_a_process", executor="process", memory=2**30)
async def in_a_process(job: Job, params: Struct) -> bytes:
    return params.url.encode()


REGISTRY = Registry()


def to_text(value: Any) -> Any:
    return str(value)


@task(
    "full",
    timeout=60,
    retries=2,
    retry_delay=0.5,
    retry_backoff=1,
    max_retry_delay=30,
    retry_jitter=0,
    concurrency=4,
    executor="thread",
    encoder=to_text,
    capture_print=True,
    log_level="WARNING",
    registry=REGISTRY,
)
def full(job: Job, params: Typed) -> list[str]:
    raise TaskError("no", retryable=False)


async def calls(job: Job) -> None:
    assert_type(await bare(job), int)
    assert_type(await called(job, Struct("x")), str)
    assert_type(in_a_thread(job, Data("x")), dict[str, int])
    assert_type(await in_a_process(job, Struct("x")), bytes)
    assert_type(full(job, {"url": "x"}), list[str])
    is_async: Callable[[Job], Awaitable[int]] = bare
    await is_async(job)
    assert_type(REGISTRY.get("full"), Kind | None)
    try:
        job.raise_if_cancelled()
    except TaskCancelledError as error:
        assert_type(error.args, tuple[Any, ...])
    raise TaskError("later", retry_in=30)


async def errors(job: Job) -> None:
    await bare()  # type: ignore[call-arg]
    await called(job, Data("x"))  # type: ignore[arg-type]
    task("x", retry=3)  # type: ignore[call-overload]
    task("x", executor="fiber")  # type: ignore[call-overload]
    task("x", executor="process", memory="1G")  # type: ignore[call-overload]
    task("x", timeout="60")  # type: ignore[call-overload]
    task(3)  # type: ignore[call-overload]
    TaskError("x", retryable="no")  # type: ignore[arg-type]
