"""The events of a task's log: what is stored, what is sent to browsers, the one contract of all parts."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

Status: TypeAlias = Literal["queued", "processing", "retrying", "completed", "error", "cancelled"]
Level: TypeAlias = Literal["debug", "info", "warning", "error"]

TERMINAL: frozenset[str] = frozenset(("completed", "error", "cancelled"))


class ErrorInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an attempt or a task failed."""

    type: str
    """A short word for programs: the exception's class name, or `Timeout`, `Lost`, `InvalidParams` …"""
    message: str
    """For people."""
    retryable: bool = False
    """Whether another attempt may follow, if the kind has retries left."""
    transient: bool = False
    """Whether the same may succeed at another time: a timeout, a connection, or the handler's own word."""
    traceback: str = ""
    """Where it was raised: file, line and function of each frame, without values and source lines."""


class Sub(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The count within the one at hand: of 5 files the third one, and of its 10 pages the fourth."""

    done: float
    total: float | None = None
    """What `done` goes up to, if that is known."""
    unit: str = ""
    label: str = ""


class Header(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="type", gc=False):
    """What every event has. The writer's `Chain` fills these in; a caller leaves them alone.

    Out of the garbage collector's sight: an event is a tree, and streamers make a hundred thousand a second.
    """

    # The defaults of the first four never reach the log: an encoder that omits defaults always writes real values.
    task: str = ""
    n: int = 0
    """1, 2, 3 … within the task, without a hole."""
    attempt: int = -1
    """The attempt that wrote it; 0 before the first has begun."""
    at: float = 0.0
    """When it was written: seconds since 1970, by the writer's clock."""
    first: int = 0
    """Stream sequence of the task's first event; absent in the first one itself."""
    snap: int = 0
    """Stream sequence of the last progress before this event; absent when there is none."""


class Progress(Header, tag="progress", kw_only=True, omit_defaults=True, gc=False):
    """A self-contained state of the task. A later one replaces an earlier one."""

    status: Status
    progress: float
    """0 to 100. It is 100 only at the end, and never goes back within an attempt."""
    message: str
    step: str
    done: float | None = None
    total: float | None = None
    """What `done` goes up to, if that is known; never below `done`."""
    unit: str = ""
    rate: float | None = None
    """Units a second, as `headway.progress.estimate` computes it."""
    eta: float | None = None
    """Seconds left; absent while it would be a guess."""
    sub: Sub | None = None
    """A count within `done`, such as a loop within the loop. It moves `progress` within one of `total`."""
    failed: int = 0
    """How many attempts have failed or vanished so far. Ones handed back at a shutdown do not count."""
    data: Any | UnsetType = UNSET
    """The result. Only in a completed one."""
    error: ErrorInfo | None = None

    @property
    def terminal(self) -> bool:
        """Whether nothing follows this event."""
        return self.status in TERMINAL


class Chunk(Header, tag="chunk", kw_only=True, omit_defaults=True, gc=False):
    """A piece of output text. Never dropped, never merged away."""

    text: str
    offset: int
    """Characters of output of this attempt before this piece."""


class LogLine(Header, tag="log", kw_only=True, omit_defaults=True, gc=False):
    """A line for the person who watches."""

    level: Level
    message: str
    logger: str = ""
    """The logger that the handler wrote to, or `stdout`; absent for `job.log`."""


class Cancel(Header, tag="cancel", kw_only=True, omit_defaults=True, gc=False):
    """Somebody asks for the task to end. The one who runs it answers with a terminal progress."""

    reason: str


Event: TypeAlias = Progress | Chunk | LogLine | Cancel


class Beat(msgspec.Struct, tag="beat", tag_field="type", omit_defaults=True, kw_only=True):
    """Published and not stored: the task runs and has only nothing to report, or its starter is connected."""

    task: str
    attempt: int = 0
    presence: bool = False
    """Published by a streamer, not by whoever runs the task: the client that started the task is connected to it."""


def is_terminal(event: Event) -> bool:
    """Whether `event` is the last of its task."""
    return isinstance(event, Progress) and event.status in TERMINAL
