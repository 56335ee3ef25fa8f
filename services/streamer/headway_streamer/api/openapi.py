"""The OpenAPI 3.1 document of the public port."""

from __future__ import annotations

from typing import Any

from headway import __version__
from headway.events import Progress
from headway_streamer.api.events import EVENTS, STREAMS, dialect_schemas, stream_schemas
from headway_streamer.api.models import AcceptedTask, ProblemDetails
from headway_streamer.api.operations import (
    EVERYWHERE,
    FILE_CONTENT,
    JSON,
    OPERATIONS,
    PROBLEMS,
    PROTECTED,
    STREAM,
    Operation,
)
from headway_streamer.api.parameters import Parameter
from headway_streamer.api.report_models import OpenedReport
from headway_streamer.api.schemas import Schema, components, reference

ABOUT = """Live progress of long-running work.

Every GET has a HEAD, which answers the same without a body and starts nothing; OPTIONS lists the methods. Other methods
are answered with 405, other paths with 404. All errors are problems (RFC 9457). The schema of a stream is that of each
of its events, as in OpenAPI 3.2; `x-events` names the same by the name of the event.
"""
_ETAG = {"ETag": {"description": "Changes with each event.", "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "Path of the task.", "schema": {"type": "string"}}}
_TASKS = ("tasks", "streams", "tokens")
_FOLLOWED: dict[Any, tuple[str, ...]] = {AcceptedTask: _TASKS, OpenedReport: (*_TASKS, "reports")}
"""The tags of the operations that can follow an answer."""
_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}


def document(*, page: bool = True) -> dict[str, Any]:
    """The document; `page` tells whether the console is served."""
    operations = [operation for operation in OPERATIONS if page or operation.tag != "page"]
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headway", "version": __version__, "description": ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": _schemas(), "responses": {str(status): _problem(status) for status in PROBLEMS}},
    }


def _schemas() -> dict[str, Schema]:
    types = {type for operation in OPERATIONS for type in (operation.body, operation.answer) if type is not None}
    found = components([*filter(_is_struct, types), *EVENTS.values(), ProblemDetails])
    return dict(sorted((found | dialect_schemas(found[Progress.__name__]) | stream_schemas()).items()))


def _is_struct(type: Any) -> bool:
    return hasattr(type, "__struct_fields__")


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": {str(status): _success(operation, status, text) for status, text in operation.success.items()}
        | {str(status): {"$ref": f"#/components/responses/{status}"} for status in _problems(operation)},
    }
    if operation.parameters:
        described["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.takes_file:
        described["requestBody"] = {
            "required": True,
            "content": {FILE_CONTENT: {"schema": {"description": "Of any type."}}},
        }
    elif operation.method == "post":
        schema = reference(operation.body) if operation.body else {"description": "Ignored."}
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return described


def _problems(operation: Operation) -> list[int]:
    protected = (401, 503) if operation.path.startswith(PROTECTED) else ()
    return sorted({*EVERYWHERE, *protected, *operation.problems})


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        "schema": parameter.schema,
    }
    if parameter.schema.get("type") in ("array", "object"):
        described |= {"style": "form", "explode": True}
    return described


def _success(operation: Operation, status: int, text: str) -> dict[str, Any]:
    described: dict[str, Any] = {"description": text}
    if status in (200, 201, 202):
        described["content"] = _content(operation)
    if operation.answer in _FOLLOWED:
        described |= {"headers": _LOCATION, "links": _links(_FOLLOWED[operation.answer])}
    elif any(parameter.name == "If-None-Match" for parameter in operation.parameters) and status in (200, 304):
        described["headers"] = _ETAG
    return described


def _content(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if operation.stream is not None:
        event = f"#/components/schemas/{STREAMS[operation.stream]}"
        content[STREAM] = {"schema": {"$ref": event}, "x-events": {"$ref": f"{event}s"}}
    if operation.answer is not None:
        schema = reference(operation.answer) if _is_struct(operation.answer) else {}
        content[JSON if operation.stream is not None else operation.media] = {"schema": schema}
    if not content:
        content[operation.media] = {"schema": {"type": "string"}}
    return content


def _links(tags: tuple[str, ...]) -> dict[str, Any]:
    """What can be done with a task, by operations of these tags."""
    same = {"task": "$response.body#/task"}
    return {
        operation.id: {"operationId": operation.id, "parameters": same}
        for operation in OPERATIONS
        if "{task}" in operation.path and operation.tag in tags
    }


def _problem(status: int) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": PROBLEMS[status],
        "content": {"application/problem+json": {"schema": reference(ProblemDetails)}},
    }
    if status == 503:
        described["headers"] = _RETRY_AFTER
    return described
