"""The events of a task's log, as they are stored and as browsers receive them: the contract between all parts."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

Status: TypeAlias = Literal["queued", "processing", "retrying", "completed", "error", "cancelled"]
Level: TypeAlias = Literal["debug", "info", "warning", "error"]

TERMINAL: frozenset[str] = frozenset(("completed", "error", "cancelled"))
DELETED = "deleted"
"""The end of a deleted task, in place of a status."""


class ErrorInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an attempt or a task failed."""

    type: str
    """A short word for programs: the exception's class name, or `Timeout`, `Lost`, `InvalidParams` …"""
    message: str
    """For people."""
    retryable: bool = False
    """Whether another attempt may follow, if the kind has retries left."""
    transient: bool = False
    """Whether it may succeed later: a timeout, a lost connection, or an error that the handler marked so."""
    traceback: str = ""
    """Where it was raised: file, line and function of each frame, without values and source lines."""


class Sub(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A count within another count: page 4 of 10, within file 3 of 5."""

    done: float
    total: float | None = None
    """What `done` goes up to, if that is known."""
    unit: str = ""
    label: str = ""


class Header(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="type", gc=False):
    """Fields of every event, set by the writer's `Chain`.

    Untracked by the garbage collector: an event is a tree, and streamers make a hundred thousand a second.
    """

    # The defaults of the first four never reach the log: an encoder that omits defaults always writes real values.
    task: str = ""
    n: int = 0
    """Number within the task: 1, 2, 3 … without a gap."""
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
    state: str = ""
    """A word of the worker for this state, as Celery's custom states are. Only while `status` is `processing`."""
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
    """How many attempts have failed so far, or vanished while they ran alone. Ones handed back at a shutdown do not
    count."""
    lost: int = 0
    """How many of the latest attempts vanished with their processors, one after another."""
    alone: bool = False
    """Whether the attempt is on trial alone in its processor now, because earlier ones vanished. If this one vanishes
    too, it has failed."""
    checkpoint: int = 0
    """Number of the stored state from which another attempt would continue; absent when there is none."""
    data: Any | UnsetType = UNSET
    """The result. Only in a completed one."""
    error: ErrorInfo | None = None

    @property
    def terminal(self) -> bool:
        """Whether nothing follows this event."""
        return self.status in TERMINAL


MAX_CHUNK_CHARS = 32 * 1024
"""Characters in one chunk; longer output is split. As JSON they stay below the limit of a message in NATS."""


class Chunk(Header, tag="chunk", kw_only=True, omit_defaults=True, gc=False):
    """A piece of output text, of at most `MAX_CHUNK_CHARS`. Never dropped."""

    text: str
    offset: int
    """Characters of output of this attempt before this piece."""


MAX_CHANNEL_CHARS = 64


class Aside(Header, tag="aside", kw_only=True, omit_defaults=True, gc=False):
    """A piece of text beside the output, such as the reasoning of a model. As a chunk it is never dropped."""

    channel: str
    """What the text is: `reasoning`, `tool get_weather`. At most `MAX_CHANNEL_CHARS`."""
    text: str
    """At most `MAX_CHUNK_CHARS`."""
    offset: int
    """Characters of this channel of this attempt before this piece."""


class LogLine(Header, tag="log", kw_only=True, omit_defaults=True, gc=False):
    """A log line for the people who watch the task."""

    level: Level
    message: str
    logger: str = ""
    """The logger that the handler wrote to, or `stdout`; absent for `job.log`."""


class Cancel(Header, tag="cancel", kw_only=True, omit_defaults=True, gc=False):
    """A request to cancel the task. Its processor answers with a terminal progress."""

    reason: str


class Deleted(Header, tag="deleted", kw_only=True, omit_defaults=True, gc=False):
    """The task is deleted: the last event of its log, after a terminal one. It stays when all others are removed, so
    that late writers still find an end. It holds nothing of the task but its id.
    """

    @property
    def status(self) -> str:
        """The word for this end."""
        return DELETED


Event: TypeAlias = Progress | Chunk | Aside | LogLine | Cancel | Deleted


class Beat(msgspec.Struct, tag="beat", tag_field="type", omit_defaults=True, kw_only=True):
    """Published and not stored: the task runs without anything to report, or its starter is connected."""

    task: str
    attempt: int = 0
    presence: bool = False
    """Whether a streamer publishes it, because the client that started the task is connected there."""


def is_terminal(event: Event) -> bool:
    """Whether `event` is the last of its task, but for its deletion."""
    return isinstance(event, Deleted) or (isinstance(event, Progress) and event.status in TERMINAL)
