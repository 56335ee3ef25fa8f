"""What the HTTP API takes and gives, as types: the source of the code and of the documents that describe it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from headway.events import Progress
from headway.records import DeadJob, JobMessage, KindRecord, ProcessorRecord
from headway.values.labels import MAX_TITLE_CHARS

NAME_PATTERN = "^[A-Za-z0-9_-]{1,64}$"
"""Of task ids and kinds, as `headway.subjects.is_name` tests it."""
MAX_KEY_CHARS = 255

TAG_PATTERN = "^[^,\\x00-\\x1f\\x7f]{1,64}$"

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
Title = Annotated[str, Meta(max_length=MAX_TITLE_CHARS)]
Tag = Annotated[str, Meta(pattern=TAG_PATTERN)]


class Submission(msgspec.Struct, forbid_unknown_fields=True):
    """A task to run."""

    kind: str
    params: dict[str, Any] = {}
    """Parameters of the kind; the list of kinds has their JSON Schemas."""
    title: Title = ""
    """What people see of the task; by default that of the kind."""
    tags: list[Tag] = []
    """Words to find it by, at most 16; those of the kind are added."""
    unique: Annotated[str, Meta(max_length=MAX_KEY_CHARS)] = ""
    """A key. While a task of this kind and key has not ended, another one of the tenant is not accepted; by default
    that of the kind, if it has one."""
    on_conflict: Literal["reject", "join"] = "reject"
    """When there is a task of the key: 409, which names it (default), or that task in place of a new one."""
    run_at: float | Annotated[str, Meta(max_length=64)] | None = None
    """Before this time it does not begin: seconds since 1970, or RFC 3339. By default, or if it is past, now."""


class CancelRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A request to cancel a task."""

    reason: str = ""


class RetryRequest(msgspec.Struct, forbid_unknown_fields=True):
    """How a task is submitted again."""

    params: dict[str, Any] | UnsetType = UNSET
    """In place of all earlier parameters; by default the same."""
    resume: bool = False
    """Whether it continues from the last checkpoint of the earlier one, if there is one. Not with `params`."""


class Links(msgspec.Struct):
    """Paths of the routes of a task."""

    itself: str = msgspec.field(name="self")
    stream: str
    cancel: str
    retry: str
    result: str


class AcceptedTask(msgspec.Struct, omit_defaults=True):
    """A task whose job is stored."""

    task: Name
    kind: Name
    processors: int
    """How many processors offer its kind now."""
    links: Links
    run_at: float | UnsetType = UNSET
    """When it begins, seconds since 1970. Present if it does not begin as soon as it can."""
    warning: str = ""
    """Present if no processor offers the kind."""
    stream_token: str = ""
    """For the query of an EventSource. Present if access control is on and the streamer mints such tokens."""


class UploadedFile(msgspec.Struct):
    """A file for tasks."""

    file: Name
    """Its id, which parameters of the format `headway-file` take."""
    name: str
    bytes: int
    sha256: str
    """In hexadecimal digits."""
    content_type: str
    """As its sender has declared it."""
    created: float
    """Seconds since 1970."""
    expires: float
    """After this time no task may use it, and it is removed."""


class FileList(msgspec.Struct):
    """A page of one's files."""

    files: list[UploadedFile]
    cursor: str | None
    """For the next page; null on the last."""


class DeletedFile(msgspec.Struct):
    """A file that was deleted."""

    file: Name


class StreamTokenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Further tasks that a stream token is for."""

    tasks: list[str] = []


class StreamToken(msgspec.Struct):
    """A token for the query of streams, `?token=`. Empty if none is needed."""

    stream_token: str


class StartToken(msgspec.Struct):
    """A token that starts one task, for the query of `/api/v1/process/{kind}/stream`. Empty if none is needed."""

    start_token: str


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """An access token to sign in with."""

    token: str


class Session(msgspec.Struct):
    """Whom the streamer takes the caller for."""

    mode: Literal["none", "jwt", "forward"]
    owner: str
    """Empty with the mode `none`, as is `tenant`."""
    tenant: str
    scopes: list[str]
    expires: float | None
    """Seconds since 1970; null if it does not end."""


class RevocationRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What to revoke: one of `token`, `id` and `owner`, or without any the token of the request itself."""

    token: str = ""
    """A token of any type: of one's own, or with the scope `tokens:revoke` of anybody in the tenant."""
    id: str = ""
    """The `jti` of an access token; with that scope."""
    owner: str = ""
    """All tokens of oneself, or with that scope of anybody in the tenant."""
    before: float | None = None
    """For `owner`: tokens that were issued until then, seconds since 1970. By default until now."""


class Revoked(msgspec.Struct):
    """What is revoked. Every streamer refuses it within five seconds, and ends the streams that it has opened."""

    until: float
    """Seconds since 1970 at which all that is revoked has expired."""


class CancelledTask(msgspec.Struct):
    """A task that was asked to end."""

    task: Name
    status: Literal["cancelling"] = "cancelling"


class DeletedTask(msgspec.Struct):
    """A task that nobody is shown any more. A processor removes what is stored of it."""

    task: Name
    status: Literal["deleted"] = "deleted"


class TaskSummary(msgspec.Struct, kw_only=True):
    """A task as it is listed."""

    task: Name
    kind: Name
    created: float
    """Seconds since 1970."""
    state: Progress | None
    """The latest progress; null before the first."""
    links: Links
    retry_of: Name | UnsetType = UNSET
    """The task that this one repeats."""
    title: str | UnsetType = UNSET
    """What people call the task."""
    tags: list[str] | UnsetType = UNSET
    """Words to find it by."""
    parent: Name | UnsetType = UNSET
    """The task of which this one is a part."""
    run_at: float | UnsetType = UNSET
    """Before this time it does not begin, seconds since 1970."""
    reported: bool | UnsetType = UNSET
    """True for a task that no processor runs: a worker of somebody else reports it. It cannot be retried."""


class Task(TaskSummary, kw_only=True):
    """A task with its parameters."""

    params: dict[str, Any]
    cursor: str
    """Where a stream of what comes after this state begins; empty before the first event."""


class TaskList(msgspec.Struct):
    """The newest tasks first."""

    tasks: list[TaskSummary]
    searched_until: float | None = None
    """Pass it as `before` to search what is older, seconds since 1970; null if nothing is left."""
    cursor: str | None = None
    """Pass it as `cursor`, with the same filters, for the next page; null if this is the last one."""


class Kind(KindRecord, kw_only=True, omit_defaults=True):
    """A kind that processors can run."""

    processors: int
    """How many processors offer it. One that died is counted for up to 30 s."""
    live: bool
    """Whether any does."""


class KindList(msgspec.Struct):
    """The kinds by name."""

    kinds: list[Kind]


class Processor(ProcessorRecord, kw_only=True):
    """A processor that is alive. One that died is shown for up to 30 s."""

    id: str
    """Made when it starts."""


class ProcessorList(msgspec.Struct):
    """The processors that are alive."""

    processors: list[Processor]
    """The oldest first."""
    version: str
    """Of the streamer that answers."""


class GivenUpJob(msgspec.Struct, kw_only=True):
    """A dead letter: a job that was given up."""

    id: str
    """Digits."""
    kind: str
    task: str
    """The task that it was; empty if the message named none."""
    reason: str
    """Why it was given up."""
    at: float
    """When, seconds since 1970; 0 if that is not known."""
    resubmittable: bool
    problem: str
    """Why it cannot be submitted again as it is; empty if it can."""
    owner: str | UnsetType = UNSET
    submitted: float | UnsetType = UNSET
    """When it was submitted, seconds since 1970."""
    params: dict[str, Any] | UnsetType = UNSET
    """Where a single one is asked for, if it is a job."""
    raw: str | UnsetType = UNSET
    """The message, or its beginning, where a single one is asked for that is not a job."""


class GivenUpJobs(msgspec.Struct):
    """A page of dead letters."""

    dead_letters: list[GivenUpJob]
    """The oldest first. A page may be empty and not the last: letters of others are left out."""
    cursor: str | None
    """Where the next page begins; null if this is the last one."""


class Resubmission(msgspec.Struct, forbid_unknown_fields=True):
    """How the job of a dead letter is submitted again."""

    params: dict[str, Any] | None = None
    """Its parameters, if not those that it had."""


class DroppedLetter(msgspec.Struct):
    """A dead letter that is dropped."""

    id: str
    status: Literal["dropped"] = "dropped"


class Fault(msgspec.Struct):
    """What is wrong with one part of a request."""

    pointer: str
    """JSON Pointer into the body, or the name of a parameter behind a slash."""
    detail: str


class ProblemDetails(msgspec.Struct, kw_only=True):
    """An error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | UnsetType = UNSET
    """What happened, and what to do about it."""
    errors: list[Fault] | UnsetType = UNSET
    expected: int | UnsetType = UNSET
    """The number that the next event of a report must have. Present if events are missing."""
    task: Name | UnsetType = UNSET
    """The task that holds the unique key. Present if another one is not accepted."""


class Job(JobMessage, kw_only=True):
    """The message that asks a processor to run a task."""

    params: dict[str, Any] = msgspec.field(default_factory=dict)  # type: ignore[assignment]


class DeadLetter(DeadJob, kw_only=True):
    """A job that was given up, with the reason."""

    job: Job  # type: ignore[assignment]


# Events of the streamer itself. The name of an event is that of its class, in lower case.


class Hello(msgspec.Struct):
    """The first event of every stream. It carries `retry`."""

    server: str
    tasks: list[str]
    heartbeat_seconds: float


class Reset(msgspec.Struct):
    """Discard what you have of the task; everything that is kept of it follows."""

    task: str
    reason: str
    """`trimmed`: history was removed; `cursor`, `future`, `incarnation`: the cursor does not belong to this log."""


class Stalled(msgspec.Struct):
    """A running task has reported nothing, not even a task beat."""

    task: str
    seconds: int
    """For this long. 0 is the older form of `resumed`, kept for one release."""


class Resumed(msgspec.Struct):
    """A stalled task reports again."""

    task: str


class Goodbye(msgspec.Struct):
    """The stream ends before the task does. Reconnect with your cursor."""

    reason: str
    """`drain`, `lifetime`, `limit`, `overload` or `unavailable`; `deleted` if a task was: a reconnect gets 404."""


class Reauth(msgspec.Struct):
    """The stream ends because its token does, the task continues. Reconnect with another token and your cursor."""

    reason: str
    """`expired` or `revoked`."""


Note = Hello | Reset | Stalled | Resumed | Reauth | Goodbye
