"""`@task`: how a function becomes a kind that a processor can run."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar

import msgspec

from headway.errors import TaskDefinitionError
from headway.records import KindRecord
from headway.subjects import is_name

F = TypeVar("F", bound=Callable[..., Any])
Executor = Literal["async", "thread"]


class NoParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of a kind that takes none."""


class Kind(msgspec.Struct, frozen=True):
    """A handler and how it is to be run. Made by `@task`, kept by a `Registry`."""

    name: str
    handler: Callable[..., Any]
    params: type[msgspec.Struct]
    takes_params: bool
    executor: Executor
    timeout_seconds: float | None
    retries: int
    concurrency: int
    description: str

    def record(self) -> KindRecord:
        """What the catalogue says of this kind."""
        return KindRecord(
            kind=self.name,
            description=self.description,
            params=_schema(self.params),
            timeout_seconds=self.timeout_seconds,
            retries=self.retries,
            concurrency=self.concurrency,
        )


class Registry:
    """The kinds of one process, by name."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}

    def add(self, kind: Kind) -> None:
        """Raises TaskDefinitionError when another function has the name already."""
        known = self._kinds.get(kind.name)
        if known is not None and _place(known.handler) != _place(kind.handler):
            raise TaskDefinitionError(
                f"kind {kind.name!r} is defined twice: {_place(known.handler)} and {_place(kind.handler)}"
            )
        self._kinds[kind.name] = kind

    def get(self, name: str) -> Kind | None:
        """The kind of that name."""
        return self._kinds.get(name)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())

    def __len__(self) -> int:
        return len(self._kinds)


REGISTRY = Registry()
"""Where `@task` puts kinds unless told otherwise."""


def task(
    kind: str,
    *,
    timeout: float | None = None,
    retries: int = 0,
    concurrency: int = 10,
    executor: Executor | None = None,
    registry: Registry = REGISTRY,
) -> Callable[[F], F]:
    """Register a function as the handler of `kind`. The function itself stays as it is and can be called in a test.

    The handler takes the job and, if it wants parameters, a `msgspec.Struct`:

    >>> class Params(msgspec.Struct):
    ...     url: str
    >>> @task("shout", registry=Registry())
    ... async def shout(job, params: Params) -> str:
    ...     '''Say it loud.'''
    ...     return params.url.upper()

    Args:
        kind: 1 to 64 of ``A-Z a-z 0-9 _ -``.
        timeout: seconds that one attempt may take; None (default) for no limit.
        retries: how many failed attempts are tried again (default 0). An attempt that vanishes with its
            processor is always tried again, at most twice.
        concurrency: how many tasks of this kind one processor runs at once (default 10).
        executor: ``"async"`` runs it on the event loop, ``"thread"`` in a thread. Default: async for ``async def``.

    Raises TaskDefinitionError when the function or an argument cannot be used.
    """

    def register(function: F) -> F:
        registry.add(_define(function, kind, timeout, retries, concurrency, executor))
        return function

    return register


def _define(
    function: Callable[..., Any],
    name: str,
    timeout: float | None,
    retries: int,
    concurrency: int,
    executor: Executor | None,
) -> Kind:
    place = _place(function)
    if not is_name(name):
        raise TaskDefinitionError(f"{place}: kind {name!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
    if timeout is not None and timeout <= 0:
        raise TaskDefinitionError(f"{place}: timeout is seconds above 0, or None for no limit")
    if retries < 0 or concurrency < 1:
        raise TaskDefinitionError(f"{place}: retries must be at least 0 and concurrency at least 1")
    is_async = inspect.iscoroutinefunction(function)
    chosen = executor or ("async" if is_async else "thread")
    if chosen not in typing.get_args(Executor):
        raise TaskDefinitionError(f"{place}: executor is 'async' or 'thread', not {executor!r}")
    if is_async != (chosen == "async"):
        raise TaskDefinitionError(f"{place}: executor={chosen!r} does not fit: only `async def` runs as 'async'")
    params = _params_of(function, place)
    return Kind(
        name=name,
        handler=function,
        params=params or NoParams,
        takes_params=params is not None,
        executor=chosen,
        timeout_seconds=timeout,
        retries=retries,
        concurrency=concurrency,
        description=inspect.getdoc(function) or "",
    )


def _params_of(function: Callable[..., Any], place: str) -> type[msgspec.Struct] | None:
    arguments = list(inspect.signature(function).parameters.values())
    if not 1 <= len(arguments) <= 2:
        raise TaskDefinitionError(f"{place}: a handler takes (job) or (job, params: SomeStruct)")
    if len(arguments) == 1:
        return None
    try:
        params = typing.get_type_hints(function).get(arguments[1].name)
    except NameError as error:
        raise TaskDefinitionError(f"{place}: {error}; define the parameters' Struct at the top of a module") from error
    if not (isinstance(params, type) and issubclass(params, msgspec.Struct)):
        raise TaskDefinitionError(f"{place}: annotate {arguments[1].name!r} with a msgspec.Struct")
    _schema(params)
    return params


def _schema(params: type[msgspec.Struct]) -> dict[str, Any]:
    try:
        (schema,), parts = msgspec.json.schema_components([params], ref_template="#/$defs/{name}")
    except TypeError as error:
        raise TaskDefinitionError(f"{params.__qualname__} has no JSON Schema: {error}") from error
    name = schema["$ref"].rpartition("/")[2]
    root: dict[str, Any] = parts[name]
    if msgspec.json.encode(schema["$ref"]) not in msgspec.json.encode(parts):  # else it refers to itself
        del parts[name]
    return {**root, "$defs": parts} if parts else root


def _place(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', function)}"
