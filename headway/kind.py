"""A kind: a handler and how it is to be run; and the registry of the kinds of a process. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from headway.errors import TaskDefinitionError
from headway.records import KindRecord
from headway.retry_delay import RetryDelay
from headway.values import params as parameters
from headway.values.results import Encoder

Executor = Literal["async", "thread", "process"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "OFF"]


class NoParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of a kind that takes none."""


class Kind(msgspec.Struct, frozen=True):
    """A handler and how it is to be run. Made by `@task`, kept by a `Registry`."""

    name: str
    handler: Callable[..., Any]
    params: type
    """The class of the parameters: a Struct, a dataclass, a TypedDict, an attrs class or a pydantic model."""
    takes_params: bool
    executor: Executor
    timeout_seconds: float | None
    retries: int
    retry_delay: RetryDelay
    concurrency: int
    description: str
    encoder: Encoder | None = None
    """Makes JSON-able values of parts of the result that have no JSON form of their own."""
    capture_print: bool = False
    """Whether what the handler prints becomes log lines of the task."""
    log_level: LogLevel | None = None
    """From which level on what the handler writes to `logging` does; None for the processor's `task_log_level`."""
    retention_seconds: float | None = None
    """After this time ended tasks are removed; None for the retention of the namespace."""
    memory_bytes: int | None = None
    """How much memory the process of one attempt may take beyond what it had before; None for no limit."""
    title: str = ""
    """Title of its tasks, with `{name}` in place of parameters; empty for none."""
    tags: tuple[str, ...] = ()
    """Tags of all its tasks."""
    unique: str = ""
    """Key of its tasks, with `{name}` in place of parameters, of which one at a time runs; empty for none."""

    def read_params(self, raw: bytes | msgspec.Raw) -> Any:
        """The parameters in a job, for the handler. Raises ParamsError."""
        return parameters.read(raw, self.params)

    def record(self) -> KindRecord:
        """What the catalogue says of this kind."""
        return KindRecord(
            kind=self.name,
            description=self.description,
            params=parameters.schema(self.params),
            timeout_seconds=self.timeout_seconds,
            retries=self.retries,
            concurrency=self.concurrency,
            retention_seconds=self.retention_seconds,
            title=self.title,
            tags=list(self.tags),
            unique=self.unique,
        )


class Registry:
    """The kinds of one process, by name."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}

    def add(self, kind: Kind) -> None:
        """Raises TaskDefinitionError when another function has the name already."""
        known = self._kinds.get(kind.name)
        if known is not None and place_of(known.handler) != place_of(kind.handler):
            raise TaskDefinitionError(
                f"kind {kind.name!r} is defined twice: {place_of(known.handler)} and {place_of(kind.handler)}"
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


def place_of(function: object) -> str:
    """The module and the name of `function`, for error messages."""
    name = getattr(function, "__qualname__", None) or repr(function)[:100]
    return f"{getattr(function, '__module__', '?')}.{name}"
