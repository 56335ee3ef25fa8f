"""The routes of files: upload, list, get, download, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from headway.ownership import Ownership
from headway.records import FileRecord
from headway_streamer import audit
from headway_streamer.access.principal import READ_FILES, WRITE_FILES, Principal
from headway_streamer.api.models import DeletedFile, UploadedFile
from headway_streamer.files.files import UserFiles
from headway_streamer.files.names import ANY_TYPE, attachment, digest_of, name_of, type_of
from headway_streamer.files.uploads import Announced
from headway_streamer.http.authentication import authorise
from headway_streamer.http.head import HEAD
from headway_streamer.http.requests import AnyRequest, header
from headway_streamer.http.responses import json_response
from headway_streamer.http.submission import Submissions
from headway_streamer.problems import Problem
from headway_streamer.tasks.page_cursor import Place, decode_place, encode_place


@post(
    "/api/v1/files",
    tags=["files"],
    status_code=201,
    summary="Upload a file for tasks: the body is its content",
    request_max_body_size=None,  # of its own: see `files.uploads`
)
async def upload_file(
    request: AnyRequest,
    user_files: NamedDependency[UserFiles],
    submissions: NamedDependency[Submissions],
    name: FromQuery[str] = "",
) -> Response[bytes]:
    principal = authorise(request.scope, WRITE_FILES)
    disposition = header(request, b"content-disposition")
    announced = Announced(
        name=name_of(disposition, name),
        content_type=type_of(header(request, b"content-type"), disposition=bool(disposition)),
        length=_length(request),
        sha256=digest_of(header(request, b"content-digest") or header(request, b"digest")),
    )
    caller = submissions.callers.of(request.scope, principal)
    record = await user_files.uploads.take(principal, caller, announced, _body(request))
    audit.note(request.scope, "file_uploaded", file=record.file, bytes=record.bytes)
    return json_response(_shown(record), 201, {"Location": f"/api/v1/files/{record.file}"})


@get("/api/v1/files", tags=["files"], summary="List one's files, the newest first")
async def list_files(
    request: AnyRequest,
    user_files: NamedDependency[UserFiles],
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    cursor: FromQuery[str] = "",
) -> Response[bytes]:
    principal = authorise(request.scope, READ_FILES)
    files = await user_files.of(_ownership(principal))
    if cursor:
        after = decode_place(cursor)
        files = [record for record in files if _place(record) < after]
    page = files[:limit]
    next_page = encode_place(_place(page[-1])) if len(files) > limit else None
    return json_response({"files": [_shown(record) for record in page], "cursor": next_page})


@get("/api/v1/files/{file:str}", tags=["files"], summary="Get what is known of a file")
async def get_file(request: AnyRequest, user_files: NamedDependency[UserFiles], file: FromPath[str]) -> Response[bytes]:
    principal = authorise(request.scope, READ_FILES)
    return json_response(_shown(await user_files.get(file, _ownership(principal))))


@get("/api/v1/files/{file:str}/content", tags=["files"], summary="Download a file")
async def get_content(request: AnyRequest, user_files: NamedDependency[UserFiles], file: FromPath[str]) -> Stream:
    principal = authorise(request.scope, READ_FILES)
    record = await user_files.get(file, _ownership(principal))
    if HEAD not in request.scope:
        audit.note(request.scope, "file_read", file=record.file)
    # Its type is that of no page: whatever is in it, a browser saves it and shows nothing of it.
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": attachment(record.name),
        "Content-Length": str(record.bytes),
    }
    content = _nothing() if HEAD in request.scope else user_files.read(record)
    return Stream(content, media_type=ANY_TYPE, headers=headers)


@delete("/api/v1/files/{file:str}", tags=["files"], status_code=202, summary="Delete a file")
async def delete_file(
    request: AnyRequest, user_files: NamedDependency[UserFiles], file: FromPath[str]
) -> Response[bytes]:
    principal = authorise(request.scope, WRITE_FILES)
    await user_files.delete(file, _ownership(principal))
    audit.note(request.scope, "file_deleted", file=file)
    return json_response(DeletedFile(file), 202)


async def _body(request: AnyRequest) -> AsyncIterator[bytes]:
    """The body as it arrives. While nobody takes it, the connection is not read. Raises a Problem if it is cut."""
    while True:
        message = await request.receive()
        if message["type"] != "http.request":
            raise Problem(400, "Bad Request", "The request has ended before its body.")
        if part := message.get("body", b""):
            yield part
        if not message.get("more_body", False):
            return


async def _nothing() -> AsyncIterator[bytes]:
    for part in tuple[bytes, ...]():
        yield part


def _length(request: AnyRequest) -> int | None:
    text = header(request, b"content-length")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _ownership(principal: Principal) -> Ownership:
    return Ownership(principal.owner, principal.tenant)


def _place(record: FileRecord) -> Place:
    return Place(int(record.created * 1e6), record.file)


def _shown(record: FileRecord) -> UploadedFile:
    return UploadedFile(
        file=record.file,
        name=record.name,
        bytes=record.bytes,
        sha256=record.sha256,
        content_type=record.content_type,
        created=record.created,
        expires=record.expires,
    )
