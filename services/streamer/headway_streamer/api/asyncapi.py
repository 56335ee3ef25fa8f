"""The AsyncAPI 3.0 document: the subjects in NATS, and the events of the streams."""

from __future__ import annotations

from typing import Any, NamedTuple

from headway import __version__
from headway.events import Beat, Deleted, Progress
from headway.records import Deletion
from headway.subjects import Names
from headway_streamer.api.events import EVENTS, LOG_EVENTS, NOTES, STATES, dialect_schemas
from headway_streamer.api.models import NAME_PATTERN, DeadLetter, Job
from headway_streamer.api.operations import OPERATIONS
from headway_streamer.api.schemas import Schema, components

ABOUT = """The log of a task is a sequence of events on its own subject. NATS republishes what it has stored,
and streamers deliver it to browsers as Server-Sent Events. The subjects are those of the namespace `hw`.
"""
STORED = (Beat, Job, DeadLetter, Deleted, Deletion)
"""Messages of NATS that no stream has."""
_PARAMETERS = {"task": "Id of the task.", "kind": "Kind of the task."}


class Subject(NamedTuple):
    """A channel in NATS."""

    name: str
    address: str
    description: str
    messages: tuple[str, ...]
    operation: str
    """Id of the operation."""
    action: str
    """What Headway does: `send`, or `receive`."""
    summary: str


def _subjects() -> tuple[Subject, ...]:
    names, task, kind = Names(), "{task}", "{kind}"
    log = tuple(type.__name__ for type in (*LOG_EVENTS.values(), Deleted))

    def address(template: str) -> str:
        return template.replace("TASK", task).replace("KIND", kind)

    return (
        Subject(
            "events",
            address(names.event("TASK")),
            "The log of a task, stored in a stream. Each append names the sequence that it follows. The "
            "headers `Headway-Owner` and `Headway-Tenant`, percent-encoded, say whose the task is; "
            "`Headway-Log-Bytes` counts what was stored of it; `Headway-Producer` tells how far HTTP has reported it.",
            log,
            "appendEvent",
            "send",
            "Append an event to the log of a task",
        ),
        Subject(
            "live",
            address(names.live("TASK")),
            "What the server republishes of the log after it has stored it, with the headers `Nats-Sequence` and "
            "`Nats-Last-Sequence`.",
            log,
            "receiveLive",
            "receive",
            "Follow the log of a task",
        ),
        Subject(
            "beats",
            address(names.beat("TASK")),
            "Not stored: the task runs, or its starter is connected.",
            (Beat.__name__,),
            "publishBeat",
            "send",
            "Say that a task runs, or that its starter is connected",
        ),
        Subject(
            "jobs",
            address(names.job("KIND", "TASK")),
            "The work queue, from which processors pull.",
            (Job.__name__,),
            "runJob",
            "receive",
            "Run a task",
        ),
        Subject(
            "deadLetters",
            address(names.dead("KIND", "TASK")),
            "Jobs that were given up.",
            (DeadLetter.__name__,),
            "deadLetter",
            "send",
            "Give a job up",
        ),
        Subject(
            "deletions",
            address(names.deletion("TASK")),
            "Tasks that processors remove from all streams.",
            (Deletion.__name__,),
            "requestDeletion",
            "send",
            "Have a task removed",
        ),
        Subject(
            "endedTasks",
            address(names.ended("KIND", "TASK")),
            "Ended tasks of kinds with a retention of their own.",
            (Deletion.__name__,),
            "noteEnd",
            "send",
            "Note that a task has ended",
        ),
    )


def document() -> dict[str, Any]:
    """The document."""
    subjects = _subjects()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Headway", "version": __version__, "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": {
            "nats": {"host": "localhost:4222", "protocol": "nats"},
            "streamer": {"host": "localhost:8000", "protocol": "http"},
        },
        "channels": {subject.name: _channel(subject) for subject in subjects} | _stream_channels(),
        "operations": {subject.operation: _operation(subject) for subject in subjects} | _stream_operations(),
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _channel(subject: Subject) -> dict[str, Any]:
    return {
        "address": subject.address,
        "description": subject.description,
        "servers": [{"$ref": "#/servers/nats"}],
        "parameters": _parameters(subject.address),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in subject.messages},
    }


def _operation(subject: Subject) -> dict[str, Any]:
    return {
        "action": subject.action,
        "channel": {"$ref": f"#/channels/{subject.name}"},
        "summary": subject.summary,
    }


def _stream_channels() -> dict[str, Any]:
    channels = {}
    for operation in OPERATIONS:
        if operation.stream is not None:
            channels[operation.id] = {
                "address": operation.path,
                "title": operation.summary,
                "description": "Server-Sent Events. The name of a message is that of the event; `message` has none.",
                "servers": [{"$ref": "#/servers/streamer"}],
                "messages": {name: {"$ref": _message(name, operation.stream)} for name in EVENTS},
            }
            if "{" in operation.path:
                channels[operation.id]["parameters"] = _parameters(operation.path)
    return channels


def _stream_operations() -> dict[str, Any]:
    return {
        f"{operation.id}Events": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{operation.id}"},
            "summary": operation.summary,
        }
        for operation in OPERATIONS
        if operation.stream is not None
    }


def _message(event: str, dialect: str) -> str:
    name = STATES[dialect][0] if event == "message" and dialect in STATES else EVENTS[event].__name__
    return f"#/components/messages/{name}"


def _parameters(address: str) -> dict[str, Any]:
    return {
        name: {"description": f"{text} Pattern: {NAME_PATTERN}"}
        for name, text in _PARAMETERS.items()
        if f"{{{name}}}" in address
    }


def _messages() -> dict[str, Any]:
    names = {type.__name__: event for event, type in EVENTS.items()}
    names |= {name: "message" for name, _ in STATES.values()} | {type.__name__: "" for type in STORED}
    return {
        name: {"name": event or name, "title": name, "payload": {"$ref": f"#/components/schemas/{name}"}}
        for name, event in sorted(names.items())
    }


def _schemas() -> dict[str, Schema]:
    found = components([*LOG_EVENTS.values(), *NOTES.values(), *STORED])
    return dict(sorted((found | dialect_schemas(found[Progress.__name__])).items()))
