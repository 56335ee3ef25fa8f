"""The events of a stream by name, and how each dialect shows the states of a task."""

from __future__ import annotations

from headway.events import Cancel, Chunk, LogLine, Progress
from headway_streamer.api.models import Goodbye, Hello, Reset, Resumed, Stalled
from headway_streamer.api.schemas import Schema, reference

LOG_EVENTS = {"message": Progress, "chunk": Chunk, "log": LogLine, "cancel": Cancel}
"""Events of a task's log by the name that a client listens to; `message` is that of an event without a name."""
NOTES = {"hello": Hello, "reset": Reset, "stalled": Stalled, "resumed": Resumed, "goodbye": Goodbye}
"""Events of the streamer itself."""
EVENTS = LOG_EVENTS | NOTES

STATES = {
    "celery": ("CeleryProgress", ["PENDING", "STARTED", "PROGRESS", "RETRY", "SUCCESS", "FAILURE", "REVOKED"]),
    "three_words": ("ProcessProgress", ["processing", "completed", "error"]),
}
"""Names of the schemas of progress events in the other dialects, and of the states there."""
STREAMS = {"native": "StreamEvents", "celery": "CeleryStreamEvents", "three_words": "ProcessStreamEvents"}
"""Names of the schemas that hold all events of a stream."""


def dialect_schemas(progress: Schema) -> dict[str, Schema]:
    """The schemas of progress events in the other dialects, made of the `progress` of the log."""
    return {
        name: progress | {"title": name, "properties": progress["properties"] | {"status": {"enum": states}}}
        for name, states in STATES.values()
    }


def stream_schemas() -> dict[str, Schema]:
    """The events of each kind of stream: by the name of the event, the schema of its data."""
    return {name: _stream(dialect, name) for dialect, name in STREAMS.items()}


def _stream(dialect: str, title: str) -> Schema:
    events = {name: reference(type) for name, type in EVENTS.items()}
    if dialect in STATES:
        events["message"] = {"$ref": f"#/components/schemas/{STATES[dialect][0]}"}
    return {
        "title": title,
        "description": "By the name of the event, the JSON of its data. `message` is that of events without a name.",
        "type": "object",
        "properties": events,
        "required": sorted(events),
    }
