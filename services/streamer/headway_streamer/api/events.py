"""The events of a stream by name, and how each dialect shows the states of a task."""

from __future__ import annotations

from headway.events import Aside, Cancel, Chunk, LogLine, Progress
from headway_streamer.api.models import Goodbye, Hello, Reauth, Reset, Resumed, Stalled
from headway_streamer.api.schemas import Schema, reference

LOG_EVENTS = {"message": Progress, "chunk": Chunk, "aside": Aside, "log": LogLine, "cancel": Cancel}
"""Events of a task's log by the name that a client listens to; `message` is that of an event without a name."""
NOTES = {"hello": Hello, "reset": Reset, "stalled": Stalled, "resumed": Resumed, "reauth": Reauth, "goodbye": Goodbye}
"""Events of the streamer itself."""
EVENTS = LOG_EVENTS | NOTES

CELERY_STATES = ["PENDING", "STARTED", "PROGRESS", "RETRY", "SUCCESS", "FAILURE", "REVOKED"]
STATES: dict[str, tuple[str, Schema]] = {
    "celery": (
        "CeleryProgress",
        {"type": "string", "examples": CELERY_STATES, "description": "One of these, or a custom state of the worker."},
    ),
    "three_words": ("ProcessProgress", {"enum": ["processing", "completed", "error"]}),
}
"""Names of the schemas of progress events in the other dialects, and of the states there."""
STREAMS = {"native": "StreamEvent", "celery": "CeleryStreamEvent", "three_words": "ProcessStreamEvent"}
"""Names of the schemas of one event of a stream. That of its data by the name of the event has an `s` more."""


def dialect_schemas(progress: Schema) -> dict[str, Schema]:
    """The schemas of progress events in the other dialects, made of the `progress` of the log."""
    return {
        name: progress | {"title": name, "properties": progress["properties"] | {"status": states}}
        for name, states in STATES.values()
    }


def stream_schemas() -> dict[str, Schema]:
    """The events of each kind of stream: one of them as it is sent, and all of their data by the name of the event."""
    schemas = {}
    for dialect, name in STREAMS.items():
        data = {event: reference(type) for event, type in EVENTS.items()}
        if dialect in STATES:
            data["message"] = {"$ref": f"#/components/schemas/{STATES[dialect][0]}"}
        schemas[name] = {"title": name, "oneOf": [_event(event, data[event]) for event in data]}
        schemas[f"{name}s"] = _by_name(f"{name}s", data)
    return schemas


def _event(event: str, data: Schema) -> Schema:
    """One event, as https://spec.openapis.org/oas/v3.2.0.html#server-sent-event-streams describes them."""
    fields: dict[str, Schema] = {
        "event": {"const": event},
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": data},
        "id": {"type": "string"},
        "retry": {"type": "integer"},
    }
    required = ["data"] if event == "message" else ["event", "data"]  # an event without a name is a `message`
    return {"type": "object", "properties": fields, "required": required}


def _by_name(title: str, data: dict[str, Schema]) -> Schema:
    return {
        "title": title,
        "description": "By the name of the event, the JSON of its data. `message` is that of events without a name.",
        "type": "object",
        "properties": data,
        "required": sorted(data),
    }
