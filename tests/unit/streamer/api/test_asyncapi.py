"""The AsyncAPI document. `tests/acceptance/test_schema.py` holds it against the specification."""

import re

from headway.subjects import Names
from headway_streamer.api import asyncapi, openapi
from headway_streamer.api.events import EVENTS

DOCUMENT = asyncapi.document()


def test_every_subject_of_tasks_is_a_channel():
    names = Names()
    expected = {
        subject.replace("KIND", "{kind}").replace("TASK", "{task}")
        for subject in (
            names.event("TASK"),
            names.live("TASK"),
            names.beat("TASK"),
            names.job("KIND", "TASK"),
            names.dead("KIND", "TASK"),
            names.deletion("TASK"),
            names.ended("KIND", "TASK"),
        )
    }
    assert {one["address"] for one in DOCUMENT["channels"].values() if one["address"].startswith("hw.")} == expected


def test_every_stream_is_a_channel_with_all_events():
    paths = openapi.document()["paths"]
    streams = {
        path
        for path in paths
        if "text/event-stream" in paths[path].get("get", {}).get("responses", {}).get("200", {}).get("content", {})
    }
    channels = {one["address"]: one for one in DOCUMENT["channels"].values()}
    assert streams == {address for address in channels if address.startswith("/")}
    for path in streams:
        assert set(channels[path]["messages"]) == set(EVENTS)


def test_every_channel_has_an_operation_and_describes_the_parts_of_its_address():
    used = {one["channel"]["$ref"].rpartition("/")[2] for one in DOCUMENT["operations"].values()}
    assert used == set(DOCUMENT["channels"])
    for channel in DOCUMENT["channels"].values():
        assert set(channel.get("parameters", {})) == set(re.findall(r"\{(\w+)\}", channel["address"]))


def test_the_schemas_are_those_of_the_openapi_document():
    shared = openapi.document()["components"]["schemas"]
    own = DOCUMENT["components"]["schemas"]
    assert {name: own[name] for name in own if name in shared} == {name: shared[name] for name in own if name in shared}
    assert set(own) - set(shared) == {"Beat", "DeadLetter", "Deleted", "Deletion", "Job"}
