"""The parameters of requests."""

from __future__ import annotations

from typing import Literal, NamedTuple

from headway_streamer.api.models import MAX_KEY_CHARS, NAME_PATTERN, TAG_PATTERN
from headway_streamer.api.schemas import Schema

TEXT: Schema = {"type": "string"}


class Parameter(NamedTuple):
    """A parameter of a request."""

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Schema = TEXT
    required: bool = False


NAME: Schema = {"type": "string", "pattern": NAME_PATTERN}
NAME_OR_NONE: Schema = {"type": "string", "pattern": "^([A-Za-z0-9_-]{1,64})?$"}
SEVERAL_TAGS: Schema = {"type": "array", "items": {"type": "string", "pattern": TAG_PATTERN}, "maxItems": 16}
SEVERAL: Schema = {"type": "array", "items": TEXT, "maxItems": 32}
FLAG: Schema = {"type": "string", "enum": ["0", "1"]}

TASK = Parameter("task", "path", "Id of the task.", NAME, required=True)
KIND = Parameter("kind", "path", "Kind of the task.", NAME, required=True)
FILE = Parameter("file", "path", "Id of the file.", NAME, required=True)
LETTER = Parameter(
    "id", "path", "Id of the dead letter.", {"type": "string", "pattern": "^[0-9]{1,18}$"}, required=True
)
LETTERS = (
    Parameter("limit", "query", "Most dead letters.", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}),
    Parameter("kind", "query", "Only those of this kind.", NAME_OR_NONE),
    Parameter("cursor", "query", "Where the page begins: the `cursor` of the previous page, with the same kind."),
)
LAST_EVENT_ID = Parameter("Last-Event-ID", "header", "Resume after the event with this id, as `EventSource` does.")
IF_NONE_MATCH = Parameter("If-None-Match", "header", "ETags that the client has.")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "The same key, the same task.",
    {"type": "string", "maxLength": MAX_KEY_CHARS, "pattern": "^[ -~]*$"},
)
STREAMING = (
    Parameter("cursor", "query", "Where to resume; `Last-Event-ID` takes precedence."),
    Parameter("from", "query", "Where to begin without a cursor.", {"enum": ["start", "latest"], "default": "start"}),
    Parameter("merge", "query", "`0` sends every progress event, also to a slow client.", FLAG | {"default": "1"}),
    LAST_EVENT_ID,
)
STARTING = (
    Parameter("title", "query", "Title of the task, unless the kind has such a parameter.", {"maxLength": 200} | TEXT),
    Parameter("tag", "query", "Tags of the task, likewise; may be repeated.", SEVERAL_TAGS),
    Parameter("key", "query", "Idempotency key: the same key, the same task.", IDEMPOTENCY_KEY.schema),
    Parameter(
        "cancel_on_disconnect",
        "query",
        "`1` cancels the task when the client does not reconnect.",
        FLAG | {"default": "0"},
    ),
    Parameter(
        "params",
        "query",
        "All other names are parameters of the task.",
        {"type": "object", "additionalProperties": {"type": "string"}},
    ),
)
LISTING = (
    Parameter("limit", "query", "Most tasks.", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}),
    Parameter("kind", "query", "Only tasks of these kinds; may be repeated.", SEVERAL),
    Parameter("status", "query", "Only tasks in these states; may be repeated.", SEVERAL),
    Parameter("tag", "query", "Only tasks with all of these tags; may be repeated.", SEVERAL),
    Parameter(
        "text",
        "query",
        "Only tasks with this text in the title, the kind, the id or a tag, in upper or lower case.",
        {"type": "string", "maxLength": 200},
    ),
    Parameter("since", "query", "Only tasks created after this time, seconds since 1970.", {"type": "number"}),
    Parameter("before", "query", "Only tasks created until this time, seconds since 1970.", {"type": "number"}),
    Parameter("owner", "query", "Only tasks of this owner; others than one's own with the scope `tasks:all`."),
    Parameter("parent", "query", "Only the parts of this task."),
    Parameter("cursor", "query", "Where the page begins: the `cursor` of the previous page, with the same filters."),
)
