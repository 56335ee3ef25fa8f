"""The events of streams, in each dialect."""

from headway.events import Progress
from headway.testing import progress
from headway_streamer.api.events import NOTES, STATES, STREAMS, dialect_schemas, stream_schemas
from headway_streamer.api.models import Note
from headway_streamer.api.schemas import components
from headway_streamer.frames.dialect import CELERY, THREE_WORDS

SCHEMAS = components([Progress])


def test_the_states_are_those_that_the_dialects_give():
    statuses = SCHEMAS["Progress"]["properties"]["status"]["enum"]
    for dialect in (CELERY, THREE_WORDS):
        event = [progress(status, 10.0) for status in statuses] + [progress("processing", 0.0, step="")]
        given = {dialect.translate(one).get("status", one.status) for one in event}
        schema = STATES[dialect.name][1]
        assert given == set(schema.get("enum") or schema["examples"])


def test_a_dialect_differs_in_the_states_alone():
    for name, schema in dialect_schemas(SCHEMAS["Progress"]).items():
        assert schema["title"] == name
        assert schema["required"] == SCHEMAS["Progress"]["required"]
        assert {**schema["properties"], "status": 0} == {**SCHEMAS["Progress"]["properties"], "status": 0}


def test_notes_have_the_names_of_their_classes():
    assert {type.__name__.lower(): type for type in Note.__args__} == NOTES


def test_every_stream_lists_its_events():
    streams = stream_schemas()
    assert {len(streams[f"{name}s"]["properties"]) for name in STREAMS.values()} == {11}
    assert {len(streams[name]["oneOf"]) for name in STREAMS.values()} == {11}
    assert streams["CeleryStreamEvents"]["properties"]["message"] == {"$ref": "#/components/schemas/CeleryProgress"}
