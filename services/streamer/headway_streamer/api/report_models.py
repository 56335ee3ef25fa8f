"""What the routes of reports take and give: tasks that a worker of any language reports over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from headway.events import MAX_CHUNK_CHARS, Level, Status
from headway.values.labels import MAX_TAG_CHARS, MAX_TAGS
from headway_streamer.api.models import NAME_PATTERN, Links, Name

MAX_EVENTS = 500
"""Events of one batch."""
MAX_SEQUENCE = 10**12
MIN_LEASE_SECONDS, MAX_LEASE_SECONDS = 15, 86_400

NameOrNone = Annotated[str, Meta(pattern=NAME_PATTERN.replace("^", "^(").replace("$", ")?$"))]
Tag = Annotated[str, Meta(min_length=1, max_length=MAX_TAG_CHARS, pattern="^[^,\\x00-\\x1f\\x7f]+$")]
Count = Annotated[float, Meta(ge=0)]
Epoch = Annotated[int, Meta(ge=1, le=MAX_SEQUENCE)]


class ReportRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A task that the caller runs and reports."""

    kind: Name
    id: NameOrNone = ""
    """Id of the task, if the caller chooses it; what is opened again continues as the next attempt."""
    title: str = ""
    """What people call the task; cut at 200 characters."""
    tags: Annotated[list[Tag], Meta(max_length=MAX_TAGS)] = []
    """Words to find it by."""
    parent: NameOrNone = ""
    """The task of which this one is a part."""
    lease_seconds: Annotated[int, Meta(ge=MIN_LEASE_SECONDS, le=MAX_LEASE_SECONDS)] = 60
    """The task ends as `Lost` when no call arrives for this long."""
    message: str = ""
    """What the worker does first. By default the title."""


class OpenedReport(msgspec.Struct, omit_defaults=True):
    """A task whose events the caller may append."""

    task: Name
    kind: Name
    epoch: Epoch
    """The attempt that begins. Name it in each call: a call of an earlier one is refused."""
    sequence: Literal[0]
    """How many events of this attempt are stored: the first one has number 1."""
    lease_seconds: int
    """Call at least this often; an empty batch is sufficient. Watchers see `stalled` after 15 s without a call."""
    links: Links
    stream_token: str = ""
    """For the query of an EventSource. Present if access control is on and the streamer mints such tokens."""


class ProgressReport(msgspec.Struct, tag_field="type", tag="progress", forbid_unknown_fields=True):
    """How far the task is. What is left out stays as it was."""

    progress: float | None = None
    """0 to 100; by default computed from `done` and `total`. It never goes back, and is below 100 until the end."""
    done: Count | None = None
    total: Count | None = None
    unit: str | None = None
    message: str | None = None
    rate: Count | None = None
    """Units a second; by default computed from the times and counts of this attempt's reports."""
    eta: Count | None = None
    """Seconds left; by default computed from the rate."""


class StepReport(msgspec.Struct, tag_field="type", tag="step", forbid_unknown_fields=True):
    """The next step of the task begins; its count starts again."""

    name: str
    total: Count | None = None
    unit: str | None = None


class ChunkReport(msgspec.Struct, tag_field="type", tag="chunk", forbid_unknown_fields=True):
    """A piece of output text."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_CHUNK_CHARS)]


class LogReport(msgspec.Struct, tag_field="type", tag="log", forbid_unknown_fields=True):
    """A log line for the people who watch the task."""

    message: str
    level: Level = "info"
    logger: str = ""


EventReport: TypeAlias = ProgressReport | StepReport | ChunkReport | LogReport


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """Events of a task that is reported. Without any the batch only renews the lease."""

    epoch: Epoch
    sequence: Annotated[int, Meta(ge=1, le=MAX_SEQUENCE)]
    """Number of the first event: they count 1, 2, 3 … in each attempt. What is stored already is skipped."""
    events: Annotated[list[EventReport], Meta(max_length=MAX_EVENTS)] = []


class CancelAsked(msgspec.Struct):
    """Somebody has asked for the task to be cancelled. Only its end is stored from then on."""

    reason: str


class StoredBatch(msgspec.Struct):
    """What is stored."""

    sequence: int
    """Number of the last event. After a request to cancel that of the batch, of which nothing is stored."""
    cancel: CancelAsked | None
    """Present if the task is to be cancelled: stop, and send the end."""


class ReportedError(msgspec.Struct, forbid_unknown_fields=True):
    """Why the task has failed."""

    message: str
    type: str = "Error"
    """A short word for programs."""
    traceback: str = ""


class ReportEnd(msgspec.Struct, forbid_unknown_fields=True):
    """The end of a task that is reported."""

    epoch: Epoch
    sequence: Annotated[int, Meta(ge=1, le=MAX_SEQUENCE)]
    """The number that the next event would have."""
    status: Literal["completed", "error", "cancelled"]
    message: str | None = None
    """By default the last message, or that of the error."""
    result: Any = None
    """Of a completed task, at most 128 KiB."""
    error: ReportedError | None = None
    """Of a task that has failed."""


class EndedReport(msgspec.Struct):
    """A task that has ended."""

    task: Name
    status: Status
