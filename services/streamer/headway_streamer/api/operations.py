"""Every route of the public port: what it takes, and every answer it gives. The source of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from headway_streamer.api.models import (
    AcceptedTask,
    CancelledTask,
    CancelRequest,
    DeletedFile,
    DeletedTask,
    FileList,
    KindList,
    ProcessorList,
    RetryRequest,
    RevocationRequest,
    Revoked,
    Session,
    SignIn,
    StartToken,
    StreamToken,
    StreamTokenRequest,
    Submission,
    Task,
    TaskList,
    UploadedFile,
)
from headway_streamer.api.parameters import (
    FILE,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    KIND,
    LISTING,
    NAME,
    NAME_OR_NONE,
    STARTING,
    STREAMING,
    TASK,
    Parameter,
)
from headway_streamer.api.report_models import Batch, EndedReport, OpenedReport, ReportEnd, ReportRequest, StoredBatch

JSON, STREAM, HTML = "application/json", "text/event-stream", "text/html"
FILE_CONTENT = "application/octet-stream"
Dialect = Literal["native", "celery", "three_words"]


class Operation(NamedTuple):
    """One method of one path."""

    method: Literal["get", "post", "delete"]
    path: str
    id: str
    tag: str
    summary: str
    success: dict[int, str]
    """What each status below 400 means."""
    problems: tuple[int, ...]
    """Further statuses, each with a problem; those of `EVERYWHERE` are not repeated."""
    parameters: tuple[Parameter, ...] = ()
    body: type | None = None
    answer: type | None = None
    """The type of a JSON answer."""
    stream: Dialect | None = None
    """Whose events the answer has, if it is a stream."""
    media: str = JSON
    takes_file: bool = False
    """Whether the body is the content of a file."""


EVERYWHERE = (400, 403, 408, 413, 414, 421, 431, 500)
"""Given by the protocol and the gate before a route is looked for, and by any failure behind it."""
PROTECTED = ("/api/", "/tasks/")
"""What paths begin with that need a token where access control is on. The page must load to sign in."""
PROBLEMS = {
    400: "The request or its query is malformed, or the body is nested too deeply",
    401: "The token is missing, expired or not valid for this",
    403: "Sent by a page of an origin that is not listed, or the token lacks a scope",
    404: "There is no such task, kind, file or page",
    406: "Starts a task, and the client does not accept `text/event-stream`",
    408: "The request was not whole in time",
    409: "The state of the task does not allow it",
    413: "The body or the parameters are too large. Repeating the request does not help",
    414: "The path and the query are too long",
    415: "The body is not of a type that is taken here: JSON, or for files anything but a form",
    421: "Sent to a host name that is not one of this server",
    422: "The body or the parameters do not fit",
    429: "The caller submits more tasks than it may; nothing was stored. `Retry-After` says when to try again",
    431: "The headers are too long or too many",
    500: "The stored record is malformed, or the server has failed",
    503: "NATS is unreachable, or the streamer shuts down; nothing was stored. `Retry-After` says when to try again",
    507: "JetStream has no space left, or the caller or its tenant may store no more; nothing was stored",
}

_STREAM = {
    200: "The events, until the stream ends",
    204: "The client has all events of what it asked for, and they end",
}
_UNCHANGED = {304: "The client has this state"}


def _stream(path: str, id: str, summary: str, dialect: Dialect, *problems: int, **fields: Any) -> Operation:
    return Operation("get", path, id, "streams", summary, _STREAM, problems, stream=dialect, media=STREAM, **fields)


OPERATIONS = (
    Operation(
        "get",
        "/api/v1/session",
        "getSession",
        "session",
        "Get whom the streamer takes the caller for",
        {200: "The caller"},
        (),
        answer=Session,
    ),
    Operation(
        "post",
        "/session",
        "signIn",
        "session",
        "Sign in with a token, which is kept in a cookie",
        {200: "The caller"},
        (401, 404, 415, 422),
        body=SignIn,
        answer=Session,
    ),
    Operation(
        "delete",
        "/session",
        "signOut",
        "session",
        "Sign out",
        {204: "The cookie is removed, and its token revoked"},
        (),
    ),
    Operation(
        "get",
        "/session/login",
        "beginSignIn",
        "session",
        "Sign in at the identity provider, with a browser",
        {303: "To the provider, or back to the page, which says why not"},
        (404,),
        media=HTML,
    ),
    Operation(
        "get",
        "/session/callback",
        "finishSignIn",
        "session",
        "Return from the identity provider",
        {303: "To the page"},
        (404,),
        tuple(
            Parameter(name, "query", text)
            for name, text in (
                ("code", "Of the provider."),
                ("state", "Of the sign-in."),
                ("error", "Why there is no code."),
                ("iss", "The provider (RFC 9207)."),
            )
        ),
        media=HTML,
    ),
    Operation(
        "post",
        "/api/v1/kinds/{kind}/token",
        "mintStartToken",
        "tokens",
        "Mint a token that starts one task of a kind",
        {200: "The token"},
        (404, 415),
        (KIND,),
        answer=StartToken,
    ),
    Operation(
        "post",
        "/api/v1/tasks/{task}/token",
        "mintStreamToken",
        "tokens",
        "Mint a token for streams of a task",
        {200: "The token"},
        (404, 415, 422, 503),
        (TASK,),
        StreamTokenRequest,
        StreamToken,
    ),
    Operation(
        "post",
        "/api/v1/revocations",
        "revokeTokens",
        "tokens",
        "Revoke a token, or all tokens of an owner, before they expire",
        {200: "It is in force here, and everywhere within five seconds"},
        (409, 415, 422, 503, 507),
        body=RevocationRequest,
        answer=Revoked,
    ),
    Operation(
        "get",
        "/api/v1/kinds",
        "listKinds",
        "kinds",
        "List task kinds with JSON Schemas of their parameters",
        {200: "The kinds"},
        (503,),
        answer=KindList,
    ),
    Operation(
        "get",
        "/api/v1/processors",
        "listProcessors",
        "processors",
        "List the processors that are alive, with their kinds and load",
        {200: "The processors"},
        (503,),
        answer=ProcessorList,
    ),
    Operation(
        "post",
        "/api/v1/tasks",
        "submitTask",
        "tasks",
        "Submit a task: 202 only after its job is stored",
        {202: "The job is stored"},
        (404, 409, 415, 422, 429, 503, 507),
        (IDEMPOTENCY_KEY,),
        Submission,
        AcceptedTask,
    ),
    Operation(
        "get",
        "/api/v1/tasks",
        "listTasks",
        "tasks",
        "List tasks",
        {200: "A page of the tasks that match, the newest first"},
        (422, 503),
        LISTING,
        answer=TaskList,
    ),
    Operation(
        "get",
        "/api/v1/tasks/{task}",
        "getTask",
        "tasks",
        "Get a task's latest state, for polling with If-None-Match",
        {200: "The task"} | _UNCHANGED,
        (404, 503),
        (TASK, IF_NONE_MATCH),
        answer=Task,
    ),
    Operation(
        "post",
        "/api/v1/tasks/{task}/cancel",
        "cancelTask",
        "tasks",
        "Request that a task ends",
        {202: "The request is stored; a terminal event follows"},
        (404, 409, 415, 422, 503, 507),
        (TASK,),
        CancelRequest,
        CancelledTask,
    ),
    Operation(
        "post",
        "/api/v1/tasks/{task}/retry",
        "retryTask",
        "tasks",
        "Resubmit a task as a new one",
        {202: "The job of the new task is stored"},
        (404, 409, 415, 422, 429, 503, 507),
        (TASK,),
        RetryRequest,
        AcceptedTask,
    ),
    Operation(
        "delete",
        "/api/v1/tasks/{task}",
        "deleteTask",
        "tasks",
        "Delete a task that has ended",
        {202: "Nobody is shown the task any more; a processor removes what is stored of it"},
        (404, 409, 503, 507),
        (TASK,),
        answer=DeletedTask,
    ),
    Operation(
        "get",
        "/api/v1/tasks/{task}/result",
        "getResult",
        "tasks",
        "Get the result of a completed task",
        {200: "The result"},
        (404, 409, 503),
        (TASK,),
        answer=object,
    ),
    Operation(
        "post",
        "/api/v1/files",
        "uploadFile",
        "files",
        "Upload a file for tasks: the body is its content",
        {201: "The file is stored"},
        (415, 422, 429, 503, 507),
        (
            Parameter("name", "query", "What its owner calls it; takes precedence over `Content-Disposition`."),
            Parameter("Content-Disposition", "header", 'Its name: `attachment; filename="…"` (RFC 6266).'),
            Parameter("Content-Digest", "header", "`sha-256=:…:` (RFC 9530); another content is refused."),
        ),
        answer=UploadedFile,
        takes_file=True,
    ),
    Operation(
        "get",
        "/api/v1/files",
        "listFiles",
        "files",
        "List one's files, the newest first",
        {200: "A page of the files"},
        (422, 503),
        (
            Parameter("limit", "query", "Most files of the page.", {"type": "integer", "minimum": 1, "maximum": 500}),
            Parameter("cursor", "query", "`cursor` of the page before."),
        ),
        answer=FileList,
    ),
    Operation(
        "get",
        "/api/v1/files/{file}",
        "getFile",
        "files",
        "Get what is known of a file",
        {200: "The file"},
        (404, 503),
        (FILE,),
        answer=UploadedFile,
    ),
    Operation(
        "get",
        "/api/v1/files/{file}/content",
        "downloadFile",
        "files",
        "Download a file",
        {200: "Its content, as an attachment"},
        (404, 503),
        (FILE,),
        media=FILE_CONTENT,
    ),
    Operation(
        "delete",
        "/api/v1/files/{file}",
        "deleteFile",
        "files",
        "Delete a file",
        {202: "No task can use it any more; a processor removes it"},
        (404, 503, 507),
        (FILE,),
        answer=DeletedFile,
    ),
    Operation(
        "post",
        "/api/v1/reports",
        "openReport",
        "reports",
        "Open a task that the caller runs and reports",
        {201: "The task is stored", 200: "The next attempt of a task that the caller has opened before"},
        (409, 415, 422, 429, 503, 507),
        (IDEMPOTENCY_KEY,),
        ReportRequest,
        OpenedReport,
    ),
    Operation(
        "post",
        "/api/v1/reports/{task}/events",
        "appendEvents",
        "reports",
        "Append events, and renew the lease: what is stored already is skipped",
        {200: "All events are stored, or the task is to be cancelled"},
        (404, 409, 415, 422, 503, 507),
        (TASK,),
        Batch,
        StoredBatch,
    ),
    Operation(
        "post",
        "/api/v1/reports/{task}/end",
        "endReport",
        "reports",
        "End a task that the caller reports",
        {200: "The task has ended; the status is that of the first end"},
        (404, 409, 415, 422, 503, 507),
        (TASK,),
        ReportEnd,
        EndedReport,
    ),
    _stream(
        "/api/v1/tasks/{task}/stream",
        "streamTask",
        "Stream a task's events as Server-Sent Events",
        "native",
        404,
        503,
        parameters=(TASK, *STREAMING, IF_NONE_MATCH),
        answer=Task,
    )._replace(success=_STREAM | _UNCHANGED),
    _stream(
        "/api/v1/stream",
        "streamTasks",
        "Stream several tasks on one connection",
        "native",
        404,
        parameters=(
            Parameter(
                "task",
                "query",
                "Repeated, once per task; at most 32 by default.",
                {"type": "array", "items": NAME, "minItems": 1},
                required=True,
            ),
            *STREAMING,
        ),
    ),
    _stream(
        "/tasks/{task}/stream",
        "streamTaskCelery",
        "Stream a task's events with Celery's names of states",
        "celery",
        404,
        parameters=(TASK, *STREAMING),
    ),
    _stream(
        "/api/v1/process/stream",
        "startAndStream",
        "Start a task and stream it, in one request",
        "three_words",
        404,
        406,
        409,
        422,
        503,
        507,
        parameters=(
            Parameter("kind", "query", "Kind of the task; by default the streamer's `process_kind`.", NAME_OR_NONE),
            *STREAMING,
            *STARTING,
        ),
    ),
    _stream(
        "/api/v1/process/{kind}/stream",
        "startKindAndStream",
        "The same, for clients that append to the URL",
        "three_words",
        404,
        406,
        409,
        422,
        503,
        507,
        parameters=(KIND, *STREAMING, *STARTING),
    ),
    Operation(
        "get",
        "/",
        "getPage",
        "page",
        "The console",
        {200: "The page"} | _UNCHANGED,
        (404,),
        (IF_NONE_MATCH,),
        media=HTML,
    ),
    Operation(
        "get",
        "/page/{name}",
        "getPageFile",
        "page",
        "A file of the console",
        {200: "The file"} | _UNCHANGED,
        (404,),
        (Parameter("name", "path", "Name of the file.", required=True), IF_NONE_MATCH),
        media="*/*",
    ),
    *(
        Operation("get", path, id, "schema", summary, {200: "The document"}, (), answer=dict, media=media)
        for path, id, summary, media in (
            ("/schema", "getSchema", "This document", JSON),
            ("/schema/openapi.json", "getOpenApiJson", "This document", JSON),
            ("/schema/openapi.yaml", "getOpenApiYaml", "This document, in YAML", "application/yaml"),
            ("/schema/asyncapi.json", "getAsyncApi", "Events and subjects, as AsyncAPI 3.0", JSON),
        )
    ),
)
