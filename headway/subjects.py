"""Names of NATS subjects, streams and buckets. The one place where an id becomes part of a subject."""

from __future__ import annotations

import re

from headway.errors import InvalidNameError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAMESPACE = re.compile(r"[a-z][a-z0-9_]{0,31}")


def is_name(value: object) -> bool:
    """Whether `value` has the form of a task id or kind: 1 to 64 of ``A-Z a-z 0-9 _ -``."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def check_task(value: str) -> str:
    """Return a task id unchanged, or raise InvalidNameError.

    JetStream accepts publishing to subjects that contain ``*`` and ``>``, so nothing else would reject them.
    """
    if not is_name(value):
        raise InvalidNameError("task id", value)
    return value


def check_kind(value: str) -> str:
    """Return a kind unchanged, or raise InvalidNameError."""
    if not is_name(value):
        raise InvalidNameError("kind", value)
    return value


def kind_of(name: str) -> str:
    """A kind made of any name: "-" in place of what a kind may not hold.

    >>> kind_of("Import of the night")
    'Import-of-the-night'
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:64] or "report"


class Names:
    """All NATS names of one namespace. Installations with different namespaces can share a server.

    >>> Names("hw").event("t1"), Names("hw").events_stream
    ('hw.ev.t1', 'HW_EVENTS')
    """

    def __init__(self, namespace: str = "hw") -> None:
        if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
            raise InvalidNameError("namespace (lower case, a letter first)", namespace)
        self.namespace = namespace
        upper = namespace.upper()
        self.events_stream = f"{upper}_EVENTS"
        self.jobs_stream = f"{upper}_JOBS"
        self.dead_stream = f"{upper}_DEAD"
        self.deletions_stream = f"{upper}_DELETIONS"
        self.probe_stream = f"{upper}_PROBE"
        """Never created: the server's refusal tells how much space it has."""
        self.jetstream_account = f"{upper}_JETSTREAM"
        """Account of NATS that holds the streams, where each role has an account of its own."""
        self.tasks_bucket = f"{namespace}_tasks"
        self.kinds_bucket = f"{namespace}_kinds"
        self.processors_bucket = f"{namespace}_processors"
        self.reporters_bucket = f"{namespace}_reporters"
        self.unique_bucket = f"{namespace}_unique"
        self.scheduled_bucket = f"{namespace}_scheduled"
        self.secrets_bucket = f"{namespace}_secrets"
        self.token_keys_bucket = f"{namespace}_token_keys"
        self.revocations_bucket = f"{namespace}_revocations"
        self.results_bucket = f"{namespace}_results"
        self.files_bucket = f"{namespace}_files"
        self.all_events = f"{namespace}.ev.*"
        self.all_live = f"{namespace}.live.*"
        self.all_beats = f"{namespace}.beat.*"
        self.all_jobs = f"{namespace}.job.*.*"
        self.usage = f"{namespace}.usage"
        self.all_dead = f"{namespace}.dead.*.*"
        self.all_deletions = f"{namespace}.delete.*"
        self.all_ended = f"{namespace}.ended.*.*"
        self.republished = f"{namespace}.live.{{{{wildcard(1)}}}}"

    def event(self, task: str) -> str:
        """The subject that holds the log of `task`."""
        return f"{self.namespace}.ev.{check_task(task)}"

    def live(self, task: str) -> str:
        """The subject on which the server republishes the stored events of `task`."""
        return f"{self.namespace}.live.{check_task(task)}"

    def beat(self, task: str) -> str:
        """The subject of task beats and presence beats of `task`, which are not stored."""
        return f"{self.namespace}.beat.{check_task(task)}"

    def job(self, kind: str, task: str) -> str:
        """The subject of the job that asks for `task` to be run."""
        return f"{self.namespace}.job.{check_kind(kind)}.{check_task(task)}"

    def checkpoint(self, task: str) -> str:
        """The subject of the checkpoints of `task`, in the object store of results."""
        return f"$O.{self.results_bucket}.C.checkpoint-{check_task(task)}"

    def jobs_of(self, kind: str) -> str:
        """The filter for all jobs of `kind`."""
        return f"{self.namespace}.job.{check_kind(kind)}.*"

    def dead(self, kind: str, task: str) -> str:
        """The subject of a dead-lettered job."""
        return f"{self.namespace}.dead.{check_kind(kind)}.{check_task(task)}"

    def dead_of(self, kind: str) -> str:
        """The filter for all dead-lettered jobs of `kind`."""
        return f"{self.namespace}.dead.{check_kind(kind)}.*"

    def job_of_any_kind(self, task: str) -> str:
        """The filter for the job of `task`."""
        return f"{self.namespace}.job.*.{check_task(task)}"

    def dead_of_any_kind(self, task: str) -> str:
        """The filter for the dead-lettered jobs of `task`."""
        return f"{self.namespace}.dead.*.{check_task(task)}"

    def ended_of_any_kind(self, task: str) -> str:
        """The filter for the note that `task` has ended."""
        return f"{self.namespace}.ended.*.{check_task(task)}"

    def deletion(self, task: str) -> str:
        """The subject of a request to remove `task`."""
        return f"{self.namespace}.delete.{check_task(task)}"

    def ended(self, kind: str, task: str) -> str:
        """The subject of the note that `task` has ended, for kinds with a retention of their own."""
        return f"{self.namespace}.ended.{check_kind(kind)}.{check_task(task)}"

    def ended_of(self, kind: str) -> str:
        """The filter for all notes of `kind`."""
        return f"{self.namespace}.ended.{check_kind(kind)}.*"

    def task_of(self, subject: str) -> str:
        """The task of an event, live, beat, job or dead subject (its last token)."""
        return subject.rpartition(".")[2]
