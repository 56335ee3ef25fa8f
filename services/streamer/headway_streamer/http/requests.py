"""Reading of requests: bodies, keys and stream parameters."""

from __future__ import annotations

import re
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from headway import codec
from headway.subjects import is_name
from headway_streamer.access.principal import READ
from headway_streamer.api.models import MAX_KEY_CHARS
from headway_streamer.http.authentication import authorise
from headway_streamer.http.callers import Callers
from headway_streamer.http.head import HEAD
from headway_streamer.problems import Problem, not_found, pointer
from headway_streamer.watch.admission import StreamRequest

JSON = "application/json"
EVENT_STREAM = "text/event-stream"
RESERVED_QUERY = frozenset(("kind", "cursor", "from", "merge", "token", "key", "cancel_on_disconnect"))

T = TypeVar("T")
_STEPS = re.compile(r"\.([^.\[`]+)|\[(\d+)\]")
"""Of the places that msgspec names."""
AnyRequest = Request[Any, Any, Any]


def stream_request(request: AnyRequest, callers: Callers, tasks: list[str]) -> StreamRequest:
    """Read what a request for a stream asks. Raises a Problem.

    Header and query are read here: by Litestar's mappings and parameters a stream opens 9 µs later
    (`make bench-compare ONLY=new_streams`).
    """
    if not all(is_name(task) for task in tasks):
        raise not_found()
    query = _query(request)
    begin, merge = query.get("from", "start"), query.get("merge", "1")
    if begin not in ("start", "latest"):
        raise Problem(400, "Bad query", "`from` is `start` or `latest`.")
    if merge not in ("0", "1"):
        raise Problem(400, "Bad query", "`merge` is `0` or `1`.")
    principal = authorise(request.scope, READ)
    return StreamRequest(
        tasks=tuple(sorted(set(tasks))),
        cursor=header(request, b"last-event-id") or query.get("cursor", ""),
        latest=begin == "latest",
        merging=merge == "1",
        caller=callers.of(request.scope, principal),
        principal=principal,
        head=HEAD in request.scope,
    )


def _query(request: AnyRequest) -> dict[str, str]:
    """The query by name; of a parameter that is there twice, the last value."""
    raw: bytes = request.scope["query_string"]
    return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)) if raw else {}


def header(request: AnyRequest, name: bytes) -> str:
    """The value of the first header of that name, in lower case; empty if there is none."""
    for key, value in request.scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


def task_parameters(request: AnyRequest) -> dict[str, list[str]]:
    """The query parameters of a start-and-stream request that belong to the task, by name."""
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if name not in RESERVED_QUERY:
            query.setdefault(name, []).append(value)
    return query


async def read_body(request: AnyRequest, type: type[T]) -> T:
    """Decode the JSON body. Raises a Problem that says where it is wrong, and NestedTooDeepError."""
    body = await request.body()
    codec.check_depth(body, codec.MAX_DEPTH + 1)
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        detail, place = _misfit(str(error))
        raise Problem(422, "Body does not fit", str(error), errors=[{"pointer": place, "detail": detail}]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "Body is not JSON", str(error)) from error


def _misfit(text: str) -> tuple[str, str]:
    """What msgspec says does not fit, and the JSON pointer of its place.

    >>> _misfit("Expected `str`, got `int` - at `$.events[2].text`")
    ('Expected `str`, got `int`', '/events/2/text')
    """
    detail, _, path = text.partition(" - at `$")
    return detail, pointer(*(name or int(number) for name, number in _STEPS.findall(path)))


def read_key(key: str) -> str:
    """Check an idempotency key. Raises a Problem."""
    if len(key) > MAX_KEY_CHARS or not (key.isascii() and key.isprintable()):
        raise Problem(400, "Bad Idempotency-Key", f"Use at most {MAX_KEY_CHARS} printable ASCII characters.")
    return key


def wants_json(request: AnyRequest) -> bool:
    """Whether a request for a stream asks for the snapshot instead."""
    accept = header(request, b"accept")
    return JSON in accept and EVENT_STREAM not in accept


def require_json(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Raise a Problem unless the request declares JSON: a guard of routes that change something.

    The page of another site can send other types without asking (Fetch standard, CORS-safelisted request-header).
    """
    if connection.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Problem(415, "Unsupported Media Type", f"Send `Content-Type: {JSON}`, also without a body.")
