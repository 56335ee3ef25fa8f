"""Submission of tasks: the checks before a job is stored, and the counters after it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from msgspec import UNSET

from headway import codec
from headway.errors import KeyHeldError, StoreFullError, TooLargeError, UnavailableError
from headway.ownership import Ownership
from headway.records import KindRecord, TaskRecord
from headway.submission import WAITING
from headway.values.title_template import fill_key
from headway_streamer import audit
from headway_streamer.access.access import Access
from headway_streamer.access.errors import ForbiddenError
from headway_streamer.access.principal import KINDS, REPORT, SUBMIT, Principal
from headway_streamer.api.models import RetryRequest
from headway_streamer.files.use import FileUse
from headway_streamer.http.callers import Callers
from headway_streamer.limits.caller import Caller, tenant_key
from headway_streamer.limits.limits import Limits
from headway_streamer.limits.stored import QuotaError
from headway_streamer.metrics import Metrics
from headway_streamer.problems import Problem
from headway_streamer.tasks.kinds import KindCatalogue, no_processor
from headway_streamer.tasks.labels import NO_LABELS, Labels, labels_of
from headway_streamer.tasks.params import check_params_of_any_size
from headway_streamer.tasks.run_at import read_run_at
from headway_streamer.tasks.store import TaskStore
from headway_streamer.tasks.unique import digest_of
from headway_streamer.watch.drain import Drain

_REASONS = {TooLargeError: "too_large", StoreFullError: "store_full", UnavailableError: "unavailable"}


class Submitted(NamedTuple):
    """An accepted task."""

    record: TaskRecord
    processors: int
    """How many processors offered its kind when it was accepted."""
    new: bool
    """Whether it was not accepted before, under the same idempotency key."""


class Submissions:
    """Checks tasks and stores them."""

    def __init__(
        self,
        access: Access,
        kinds: KindCatalogue,
        task_store: TaskStore,
        drain: Drain,
        metrics: Metrics,
        limits: Limits,
        callers: Callers,
        file_use: FileUse,
        *,
        retention_seconds: float,
    ) -> None:
        self.callers = callers
        self._access = access
        self._kinds = kinds
        self._task_store = task_store
        self._drain = drain
        self._metrics = metrics
        self._limits = limits
        self._file_use = file_use
        self._retention_seconds = retention_seconds

    def check_report(self, principal: Principal, kind: str, caller: Caller) -> None:
        """Raise a Problem if a task of `kind` cannot be opened here now. It counts against the limits of `caller`.

        Raises LimitedError and ForbiddenError.
        """
        self._limits.submit(caller)
        if not principal.may_report(kind):
            raise ForbiddenError(KINDS + kind if principal.may(REPORT) else REPORT)
        self._check_serving()

    @contextmanager
    def noting_rejections(self, principal: Principal, caller: Caller) -> Iterator[None]:
        """Count what is raised because a task cannot be stored."""
        try:
            with self.noting_quota(principal, caller):
                yield
        except (TooLargeError, UnavailableError) as error:
            self._metrics.submission_rejected(_REASONS[type(error)])
            raise

    @contextmanager
    def noting_quota(self, principal: Principal, caller: Caller) -> Iterator[None]:
        """Count and log that a tenant has stored as much as it may."""
        try:
            yield
        except QuotaError:
            self._limits.note("bytes_per_tenant", caller, tenant_key(principal.tenant))
            raise

    async def check(self, principal: Principal, kind: str, params: Any, run_at: float | None = None) -> KindRecord:
        """The kind. Raise a Problem if a task of `kind` with `params` cannot be submitted here now.

        `run_at` is when it begins, if that is later.

        Raises ForbiddenError and UnavailableError.
        """
        if not principal.may_run(kind):
            raise ForbiddenError(KINDS + kind if principal.may(SUBMIT) else SUBMIT)
        self._check_serving()
        found = await self._kinds.kind(kind)
        if files := await check_params_of_any_size(found, params):
            await self._file_use.check(files, params, Ownership(principal.owner, principal.tenant), run_at)
        return found

    async def submit(
        self,
        principal: Principal,
        kind: str,
        params: Any,
        *,
        caller: Caller,
        key: str = "",
        retry_of: str = "",
        labels: Labels = NO_LABELS,
        cancel_on_disconnect: bool = False,
        unique: str = "",
        digest: str = "",
        join: bool = False,
        resume: bool = False,
        run_at: float | str | None = None,
    ) -> Submitted:
        """Check and store a task, with the labels of its kind beside its own.

        It counts against the limits of `caller` also when it is then refused. `unique` is the key of which one task at
        a time runs, or `digest` what an earlier task has kept of it; with `join` the task that holds it is returned.
        `run_at` is when it begins, as the caller has written it.

        Raises LimitedError, QuotaError, ForbiddenError, Problem, NestedTooDeepError, TooLargeError, StoreFullError
        and UnavailableError.
        """
        self._limits.submit(caller)
        begin = read_run_at(run_at, time.time(), self._retention_seconds)
        described = await self.check(principal, kind, params, begin)
        encoded = codec.encode_params(params)
        codec.check_depth(encoded)
        processors = await self._kinds.processors_of(kind)  # before the job is stored: no read may fail after that
        try:
            with self.noting_rejections(principal, caller):
                record, new = await self._task_store.submit(
                    kind,
                    encoded,
                    owner=principal.owner,
                    tenant=principal.tenant,
                    key=key,
                    retry_of=retry_of,
                    labels=labels_of(labels, described, params),
                    cancel_on_disconnect=cancel_on_disconnect,
                    unique=digest or _digest(principal, described, params, unique),
                    resume=resume,
                    run_at=begin,
                    message=WAITING if processors else no_processor(kind),
                )
        except KeyHeldError as held:
            return Submitted(await self._holder(principal, held.task, join=join), processors, new=False)
        if new:
            self._metrics.submitted(kind)
        return Submitted(record, processors, new)

    async def _holder(self, principal: Principal, task: str, *, join: bool) -> TaskRecord:
        """The record of the task that holds a key. Raises a Problem unless the caller may see and wants to join it."""
        record = await self._task_store.record(task)
        if record is None or not principal.sees(record):
            raise Problem(409, "A task of this key has not ended", "It belongs to somebody else. Wait for its end.")
        if not join:
            detail = f"{task} runs. Wait for its end or cancel it, or join it: `on_conflict` is `join`."
            raise Problem(409, "A task of this key has not ended", detail, task=task)
        return record

    async def retry(
        self, principal: Principal, record: TaskRecord, wanted: RetryRequest, *, caller: Caller
    ) -> Submitted:
        """Submit a task again, with its own title and tags. Raises what `submit` raises."""
        before = codec.decode_json(bytes(record.params))
        title, digest = record.title, record.unique
        if wanted.params is UNSET:
            params = before
        else:
            params = wanted.params
            described = await self.check(principal, record.kind, params)
            if title == labels_of(NO_LABELS, described, before).title:
                title = ""  # it was made of the earlier parameters
            if digest == _digest(principal, described, before):
                digest = ""
        return await self.submit(
            principal,
            record.kind,
            params,
            caller=caller,
            retry_of=record.task,
            labels=Labels(title, tuple(record.tags)),
            digest=digest,
            resume=wanted.resume,
        )

    def _check_serving(self) -> None:
        if self._drain.draining:
            detail = "This streamer is shutting down. Try again."
            raise Problem(503, "Service Unavailable", detail, headers={"Retry-After": "1"})

    def stream_token(self, principal: Principal, task: str) -> str:
        """A token for the query of an EventSource. Empty if none is needed."""
        return self._access.stream_token(principal, (task,))


def _digest(principal: Principal, kind: KindRecord, params: Any, unique: str = "") -> str:
    return digest_of(principal.tenant, kind.kind, unique or fill_key(kind.unique, params, kind.params))


def note(scope: Any, submitted: Submitted) -> None:
    """Write a line of the audit log on an accepted task."""
    record = submitted.record
    action = "task_joined" if not submitted.new else "task_retried" if record.retry_of else "task_submitted"
    audit.note(scope, action, task=record.task, kind=record.kind, retry_of=record.retry_of)
