"""`@task`: register a function as a kind that a processor can run."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

import msgspec

from headway.errors import TaskDefinitionError
from headway.kind import REGISTRY, Executor, Kind, LogLevel, NoParams, Registry, place_of
from headway.retry_delay import RetryDelay
from headway.subjects import is_name
from headway.values import params as parameters
from headway.values.labels import check_tags, check_title
from headway.values.results import Encoder
from headway.values.title_template import check_template

F = TypeVar("F", bound=Callable[..., Any])

MIN_MEMORY_BYTES = 16 * 1024 * 1024
"""Least limit of memory. With less a handler cannot even report."""


class Options(msgspec.Struct, frozen=True):
    """The arguments of `@task`, as they were given."""

    timeout: float | None
    retries: int
    retry_delay: RetryDelay
    concurrency: int
    executor: Executor | None
    memory: int | None
    encoder: Encoder | None
    capture_print: bool
    log_level: LogLevel | None
    retention: float | None
    title: str
    tags: tuple[str, ...]
    unique: str


@overload
def task(kind: F, /) -> F: ...


@overload
def task(
    kind: str | None = None,
    *,
    timeout: float | None = None,
    retries: int = 0,
    retry_delay: float | None = None,
    retry_backoff: float = 2.0,
    max_retry_delay: float = 60.0,
    retry_jitter: float = 0.1,
    concurrency: int = 10,
    executor: Executor | None = None,
    memory: int | None = None,
    encoder: Encoder | None = None,
    capture_print: bool = False,
    log_level: LogLevel | None = None,
    retention: float | None = None,
    title: str = "",
    tags: Iterable[str] = (),
    unique: str = "",
    registry: Registry | None = None,
) -> Callable[[F], F]: ...


def task(
    kind: str | Callable[..., Any] | None = None,
    *,
    timeout: float | None = None,
    retries: int = 0,
    retry_delay: float | None = None,
    retry_backoff: float = 2.0,
    max_retry_delay: float = 60.0,
    retry_jitter: float = 0.1,
    concurrency: int = 10,
    executor: Executor | None = None,
    memory: int | None = None,
    encoder: Encoder | None = None,
    capture_print: bool = False,
    log_level: LogLevel | None = None,
    retention: float | None = None,
    title: str = "",
    tags: Iterable[str] = (),
    unique: str = "",
    registry: Registry | None = None,
) -> Any:
    """Register a function as the handler of `kind`. The function itself stays as it is and can be called in a test.

    The handler takes the job and, if it wants parameters, a `msgspec.Struct`, a dataclass, a `TypedDict`, an attrs
    class or a pydantic model:

    >>> class Params(msgspec.Struct):
    ...     url: str
    >>> @task(registry=Registry())
    ... async def shout(job, params: Params) -> str:
    ...     '''Say it loud.'''
    ...     return params.url.upper()

    Args:
        kind: 1 to 64 of ``A-Z a-z 0-9 _ -``; the function's own name if left out, as in ``@task`` alone.
        timeout: seconds that one attempt may take; None (default) for no limit.
        retries: how many failed attempts are tried again (default 0). An attempt that vanishes with its
            processor is always tried again, at most twice after it ran there alone.
        retry_delay: seconds before the first retry; None (default) for the processor's `retry_delay_seconds`, 1.
        retry_backoff: factor from each pause to the next (default 2), at least 1.
        max_retry_delay: longest pause in seconds (default 60).
        retry_jitter: share of the pause by which it varies up and down (default 0.1), 0 to 1.
        concurrency: how many tasks of this kind one processor runs at once (default 10).
        executor: ``"async"`` runs it on the event loop, ``"thread"`` in a thread, ``"process"`` in a process of its
            own, for work that keeps a CPU busy or may crash. Default: async for ``async def``, else thread.
        memory: bytes that the process of one attempt may take beyond what it had before the attempt; None (default)
            for no limit. Only with ``executor="process"``.
        encoder: called with each part of the result that has no JSON form; returns one that has, or NotImplemented.
        capture_print: whether what the handler prints also becomes log lines of the task (default no).
        log_level: from which level on what the handler writes to `logging` becomes log lines of the task, ``"OFF"``
            for nothing; None (default) for the processor's `task_log_level`, INFO.
        retention: seconds after which ended tasks are removed, below the retention of the namespace; None (default)
            for that.
        title: what people see of a task that is submitted without a title. ``{name}`` stands for a parameter and
            ``{name.field}`` for a field of one: ``"Crawl {url}"``. Secret ones are not shown.
        unique: a key, with parameters in it as in `title`: ``"{url}"``. While a task of a key has not ended, another
            one is refused, within a tenant.
        tags: words to find the tasks by: up to 16 of 1 to 64 printable characters without a comma.

    Raises TaskDefinitionError when the function or an argument cannot be used.
    """
    chosen = REGISTRY if registry is None else registry
    delay = RetryDelay(retry_delay, retry_backoff, max_retry_delay, retry_jitter)
    options = Options(
        timeout,
        retries,
        delay,
        concurrency,
        executor,
        memory,
        encoder,
        capture_print,
        log_level,
        retention,
        title,
        _tags(tags),
        unique,
    )
    if kind is not None and not isinstance(kind, str):
        chosen.add(_define(kind, None, options))
        return kind

    def register(function: F) -> F:
        chosen.add(_define(function, kind, options))
        return function

    return register


def _define(function: Callable[..., Any], name: str | None, options: Options) -> Kind:
    place = place_of(function)
    _check_function(function, place)
    name = _name(function, place) if name is None else name
    if not is_name(name):
        raise TaskDefinitionError(f"{place}: kind {name!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
    _check_options(options, place)
    params = _params_of(function, place)
    return Kind(
        name=name,
        handler=function,
        params=params or NoParams,
        takes_params=params is not None,
        executor=_executor(function, options.executor, place),
        timeout_seconds=options.timeout,
        retries=options.retries,
        retry_delay=options.retry_delay,
        concurrency=options.concurrency,
        description=inspect.getdoc(function) or "",
        encoder=options.encoder,
        capture_print=options.capture_print,
        log_level=options.log_level,
        memory_bytes=options.memory,
        retention_seconds=options.retention,
        title=options.title,
        tags=options.tags,
        unique=options.unique,
    )


def _check_function(function: object, place: str) -> None:
    if isinstance(function, staticmethod | classmethod | type) or not callable(function):
        raise TaskDefinitionError(f"{place}: put @task on a function, with the name of the kind in brackets or none")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TaskDefinitionError(f"{place}: a handler does not yield; report by job.chunk and return the result")


def _name(function: Callable[..., Any], place: str) -> str:
    name = getattr(function, "__name__", "")
    if not is_name(name):
        raise TaskDefinitionError(f'{place}: its name cannot be that of a kind; write @task("name")')
    return str(name)


def _check_options(options: Options, place: str) -> None:
    delay = options.retry_delay
    if options.timeout is not None and not options.timeout > 0:
        raise TaskDefinitionError(f"{place}: timeout is seconds above 0, or None for no limit")
    if options.retention is not None and not options.retention > 0:
        raise TaskDefinitionError(f"{place}: retention is seconds above 0, or None for that of the namespace")
    if options.retries < 0 or options.concurrency < 1:
        raise TaskDefinitionError(f"{place}: retries must be at least 0 and concurrency at least 1")
    if options.memory is not None and (options.executor != "process" or options.memory < MIN_MEMORY_BYTES):
        raise TaskDefinitionError(
            f"{place}: memory is at least {MIN_MEMORY_BYTES:,} bytes, and goes with executor='process'"
        )
    if not ((delay.first_seconds is None or delay.first_seconds >= 0) and delay.max_seconds >= 0):
        raise TaskDefinitionError(f"{place}: retry_delay and max_retry_delay are seconds, at least 0")
    if not (delay.backoff >= 1 and 0 <= delay.jitter <= 1):
        raise TaskDefinitionError(f"{place}: retry_backoff must be at least 1, and retry_jitter 0 to 1")
    if options.log_level not in (None, *typing.get_args(LogLevel)):
        raise TaskDefinitionError(f"{place}: log_level is one of {', '.join(typing.get_args(LogLevel))}, or None")
    _check_labels(options, place)
    if options.encoder is not None and not callable(options.encoder):
        raise TaskDefinitionError(f"{place}: encoder is a function that takes a value")


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    return (tags,) if isinstance(tags, str) else tuple(tags)


def _check_labels(options: Options, place: str) -> None:
    try:
        check_title(options.title)
        check_template(options.title)
        check_template(options.unique)
        check_tags(options.tags)
    except ValueError as error:
        raise TaskDefinitionError(f"{place}: {error}") from error


def _executor(function: Callable[..., Any], wanted: Executor | None, place: str) -> Executor:
    is_async = inspect.iscoroutinefunction(function)
    chosen: Executor = wanted or ("async" if is_async else "thread")
    if chosen not in typing.get_args(Executor):
        raise TaskDefinitionError(f"{place}: executor is 'async', 'thread' or 'process', not {wanted!r}")
    if chosen != "process" and is_async != (chosen == "async"):
        raise TaskDefinitionError(f"{place}: executor={chosen!r} does not fit: only `async def` runs as 'async'")
    return chosen


def _params_of(function: Callable[..., Any], place: str) -> type | None:
    arguments = list(inspect.signature(function).parameters.values())
    if not 1 <= len(arguments) <= 2:
        raise TaskDefinitionError(f"{place}: a handler takes (job) or (job, params: SomeClass)")
    if len(arguments) == 1:
        return None
    try:
        params = typing.get_type_hints(function).get(arguments[1].name)
    except NameError as error:
        raise TaskDefinitionError(f"{place}: {error}; define the parameters' class at the top of a module") from error
    if not parameters.is_class_of_params(params):
        raise TaskDefinitionError(
            f"{place}: annotate {arguments[1].name!r} with a msgspec.Struct, a dataclass, a TypedDict, an attrs class "
            "or a pydantic model"
        )
    parameters.schema(params)
    return params
