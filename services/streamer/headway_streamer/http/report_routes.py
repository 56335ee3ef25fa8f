"""The routes of reports: tasks that a worker of any language opens, continues and ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter

from headway.errors import StoreFullError, UnavailableError
from headway.records import TaskRecord
from headway.values.labels import tags_of, title_of
from headway_streamer import audit
from headway_streamer.access.principal import REPORT, Principal
from headway_streamer.api.report_models import (
    Batch,
    CancelAsked,
    EndedReport,
    OpenedReport,
    ReportEnd,
    ReportRequest,
    StoredBatch,
)
from headway_streamer.http.authentication import authorise
from headway_streamer.http.requests import AnyRequest, read_body, read_key, require_json
from headway_streamer.http.responses import json_response
from headway_streamer.http.submission import Submissions
from headway_streamer.problems import repeatable
from headway_streamer.reports.refusals import misfit
from headway_streamer.reports.reports import Reports
from headway_streamer.tasks.listing import links

KEY_PREFIX = "\0report\0"
"""Before the idempotency keys of reports: the same key of a submission is that of another task."""


@post(
    "/api/v1/reports",
    tags=["reports"],
    summary="Open a task that the caller runs and reports",
    guards=[require_json],
)
async def open_report(
    request: AnyRequest,
    submissions: NamedDependency[Submissions],
    reports: NamedDependency[Reports],
    idempotency_key: Annotated[
        str, HeaderParameter(name="Idempotency-Key", description="The same key, the same task.")
    ] = "",
) -> Response[bytes]:
    wanted = await read_body(request, ReportRequest)
    key = read_key(idempotency_key)
    principal = authorise(request.scope, REPORT)
    caller = submissions.callers.of(request.scope, principal)
    submissions.check_report(principal, wanted.kind, caller)
    with submissions.noting_rejections(principal, caller):
        task = wanted.id or await reports.id_of(principal.owner, principal.tenant, KEY_PREFIX + key if key else "")
        opened = await reports.open(
            _record(task, wanted, principal),
            principal.owns,
            lease_seconds=wanted.lease_seconds,
            message=wanted.message,
        )
    audit.note(request.scope, "report_opened", task=task, kind=wanted.kind, epoch=opened.epoch)
    token = submissions.stream_token(principal, task)
    if token:
        audit.note(request.scope, "stream_token_minted", tasks=[task])
    shown = OpenedReport(task, wanted.kind, opened.epoch, 0, wanted.lease_seconds, links(task), token)
    return json_response(shown, 201 if opened.new else 200, {"Location": f"/api/v1/tasks/{task}"})


@post(
    "/api/v1/reports/{task:str}/events",
    tags=["reports"],
    status_code=200,
    summary="Append events, and renew the lease: what is stored already is skipped",
    guards=[require_json],
)
async def append_events(
    request: AnyRequest,
    submissions: NamedDependency[Submissions],
    reports: NamedDependency[Reports],
    task: FromPath[str],
) -> Response[bytes]:
    batch = await read_body(request, Batch)
    principal = authorise(request.scope, REPORT)
    caller = submissions.callers.of(request.scope, principal)
    with _repeatable(), submissions.noting_quota(principal, caller):
        receipt = await reports.append(
            task, principal.owns, epoch=batch.epoch, sequence=batch.sequence, events=batch.events
        )
    cancel = None if receipt.cancel is None else CancelAsked(receipt.cancel.reason)
    return json_response(StoredBatch(receipt.sequence, cancel))


@post(
    "/api/v1/reports/{task:str}/end",
    tags=["reports"],
    status_code=200,
    summary="End a task that the caller reports",
    guards=[require_json],
)
async def end_report(request: AnyRequest, reports: NamedDependency[Reports], task: FromPath[str]) -> Response[bytes]:
    wanted = await read_body(request, ReportEnd)
    principal = authorise(request.scope, REPORT)
    if wanted.error is not None and wanted.status != "error":
        raise misfit("/error", "Only a task with the status `error` has an error.")
    if wanted.result is not None and wanted.status != "completed":
        raise misfit("/result", "Only a task with the status `completed` has a result.")
    with _repeatable():
        ended = await reports.end(task, principal.owns, wanted)
    if ended.new:
        audit.note(request.scope, "report_ended", task=task, status=ended.status)
    return json_response(EndedReport(task, ended.status))


def _record(task: str, wanted: ReportRequest, principal: Principal) -> TaskRecord:
    return TaskRecord(
        task=task,
        kind=wanted.kind,
        created=round(time.time(), 3),
        owner=principal.owner,
        tenant=principal.tenant,
        title=title_of(wanted.title),
        tags=tags_of(wanted.tags),
        parent=wanted.parent,
        reported=True,
    )


@contextmanager
def _repeatable() -> Iterator[None]:
    """Say of a part that may be stored that it is skipped when it is sent again."""
    try:
        yield
    except StoreFullError:
        raise
    except UnavailableError as error:
        raise repeatable() from error
