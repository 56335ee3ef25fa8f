"""Records beside the log: the task's record, the job message, the catalogue of kinds."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from headway import codec
from headway.errors import MalformedEventError, NestedTooDeepError
from headway.ownership import Ownership
from headway.subjects import is_name

MAX_SECONDS = 1e11
"""Upper bound of a time: `datetime` ends before it."""

T = TypeVar("T", bound=msgspec.Struct)


class TaskRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Written once when a task is submitted. Kept in the KV bucket `<namespace>_tasks` under the task id."""

    task: str
    kind: str
    created: float
    """Seconds since 1970."""
    params: msgspec.Raw = msgspec.Raw(b"{}")
    owner: str = ""
    tenant: str = ""
    retry_of: str = ""
    """The task that this one repeats."""
    title: str = ""
    """What people call the task, of at most 200 characters."""
    tags: list[str] = []
    """Words to find it by, as `headway.values.labels.tags_of` makes them."""
    parent: str = ""
    """The task of which this one is a part."""
    after: list[str] = []
    """Of a reported one: tasks that must succeed before it begins, as the earlier ones of a chain of Celery."""
    children: list[str] = []
    """Of a reported one that nobody runs: the tasks that it consists of, as the members of a group of Celery."""
    reported: bool = False
    """Whether a worker of somebody else runs it and reports: there is no job, and it cannot be retried."""
    cancel_on_disconnect: bool = False
    """Whether the task ends when the client that started it has been absent for the processor's grace."""
    unique: str = ""
    """Digest of the key of which one task at a time runs: see `headway_streamer.tasks.unique`."""
    resume: bool = False
    """Whether it continues from the last checkpoint of the task that it repeats."""
    run_at: float | None = None
    """Before this time it does not begin, seconds since 1970; None for a task that begins as soon as it can."""

    @property
    def ownership(self) -> Ownership:
        """Whose the task is."""
        return Ownership(self.owner, self.tenant)

    def begins_after(self, now: float) -> bool:
        """Whether it is still to begin later at that time, seconds since 1970."""
        return self.run_at is not None and self.run_at > now


class JobMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The message that asks a processor to run a task."""

    task: str
    kind: str
    params: msgspec.Raw = msgspec.Raw(b"{}")
    submitted: float = 0.0
    cancel_on_disconnect: bool = False
    """The same as in the task's record, which processors do not read; so are the next three."""
    owner: str = ""
    tenant: str = ""
    resume_of: str = ""
    """The task from whose last checkpoint this one continues, as long as it has none of its own."""
    parent: str = ""
    """The task whose handler has submitted this one. It ends when that one has ended."""
    depth: int = 0
    """How many parents are above it."""

    @property
    def ownership(self) -> Ownership:
        """Whose the task is."""
        return Ownership(self.owner, self.tenant)


class ScheduledJob(msgspec.Struct, kw_only=True):
    """A job that begins later. Kept in the KV bucket `<namespace>_scheduled` under the task id until then."""

    run_at: float
    """When it is put in the queue, seconds since 1970."""
    job: JobMessage


NAMELESS = "nameless"
"""Stands for the task id in the subject of a dead letter whose own subject has none."""


class DeadJob(msgspec.Struct, kw_only=True):
    """A dead-lettered job, with the reason. Kept in the stream `<NAMESPACE>_DEAD`."""

    job: msgspec.Raw
    reason: str
    at: float


class Deletion(msgspec.Struct):
    """A request to remove a task, or a note of its end; the subject names it. Kept in `<NAMESPACE>_DELETIONS`."""

    at: float
    """When it was stored, seconds since 1970."""


class KindRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A kind that processors can run. Kept in the KV bucket `<namespace>_kinds` under the kind."""

    kind: str
    description: str = ""
    params: dict[str, Any] = {}
    """JSON Schema (2020-12) of the parameters, `$defs` included."""
    timeout_seconds: float | None = None
    retries: int = 0
    concurrency: int = 1
    retention_seconds: float | None = None
    """After this time ended tasks are removed; null for the retention of the namespace."""
    title: str = ""
    """Title of its tasks, with `{name}` in place of parameters; empty for none."""
    tags: list[str] = []
    """Tags of all its tasks."""
    unique: str = ""
    """Key of its tasks, with `{name}` in place of parameters, of which one at a time runs; empty for none."""


class ProcessorRecord(msgspec.Struct, kw_only=True):
    """The lease of a processor. Kept in the KV bucket `<namespace>_processors`, where it expires unless renewed."""

    kinds: list[str]
    """The kinds that it runs."""
    name: str = ""
    """Name of its host: on Kubernetes, of its pod."""
    version: str = ""
    """Of Headway."""
    since: float = 0.0
    """When it was started, seconds since 1970."""
    slots: int = 0
    """How many tasks it runs at once at most."""
    running: int = 0
    """How many tasks it ran when it renewed the lease, without those that wait for their children."""
    abandoned: int = 0
    """How many handlers did not stop when they were to, and still run there."""
    renewed: float = 0.0
    """When it renewed the lease last, seconds since 1970, by its clock."""


class ReporterRecord(msgspec.Struct, omit_defaults=True):
    """The lease of a process that reports tasks, or of a task that is reported over HTTP.

    Kept in the KV bucket `<namespace>_reporters`, and renewed.
    """

    attempts: dict[str, int]
    """The attempts that have not ended, by their task."""
    lost_seconds: float | None = None
    """They are lost when the lease is not renewed for this long; None for the setting of the processor."""


class FileRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A file that was uploaded for tasks. Kept in the entry of its object in the store `<namespace>_files`."""

    file: str
    """Its id: who knows it and is not its owner can do nothing with it."""
    created: float
    """Seconds since 1970, as `expires`: after that no task may use it, and processors remove it."""
    expires: float
    bytes: int = 0
    """Its size; while it is uploaded, what the client has announced."""
    name: str = ""
    """What its owner calls it."""
    content_type: str = ""
    sha256: str = ""
    """Of its content, in hexadecimal digits; empty until it is whole."""
    owner: str = ""
    tenant: str = ""
    deleted: bool = False

    @property
    def ownership(self) -> Ownership:
        """Whose the file is."""
        return Ownership(self.owner, self.tenant)

    @property
    def whole(self) -> bool:
        """Whether it was uploaded to its end, and is not deleted."""
        return bool(self.sha256) and not self.deleted


def decode_record(raw: bytes, type: type[T]) -> T:
    """`raw` as a record of `type`. Raises MalformedEventError that says where it is wrong."""
    try:
        codec.check_depth(raw, codec.STORED_DEPTH)
        return msgspec.json.decode(raw, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, NestedTooDeepError) as error:
        raise MalformedEventError(f"not a {type.__name__}: {error}") from error


def decode_task(raw: bytes, task: str) -> TaskRecord:
    """The record of `task`. Raises MalformedEventError for anything else, also for the record of another task."""
    record = decode_record(raw, TaskRecord)
    if (
        record.task != task
        or not is_name(record.kind)
        or not is_time(record.created)
        or not is_time(record.run_at or 0.0)
    ):
        raise MalformedEventError(f"not a TaskRecord: task {record.task[:64]!r}, kind {record.kind[:64]!r}")
    return record


def is_time(seconds: float) -> bool:
    """Whether that is a time, in seconds since 1970, that `datetime` can hold."""
    return 0 <= seconds < MAX_SECONDS
