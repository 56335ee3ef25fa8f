"""Schemas as the wire has them."""

import msgspec
import pytest

from headway.events import Progress
from headway_streamer.api.models import ProblemDetails, Submission
from headway_streamer.api.schemas import components, reference


class Part(msgspec.Struct, omit_defaults=True):
    """A part."""

    text: str
    """What it says."""
    size: int | None = None


class Whole(msgspec.Struct):
    """A whole."""

    parts: list[Part] | None
    near: str | int | None = None


def test_schemas_carry_the_descriptions_of_the_source():
    found = components([Whole])
    assert sorted(found) == ["Part", "Whole"]
    assert found["Part"]["description"] == "A part."
    assert found["Part"]["properties"]["text"] == {"type": "string", "description": "What it says."}


def test_a_field_that_is_left_out_is_never_null():
    found = components([Whole])
    assert found["Part"]["properties"]["size"] == {"type": "integer"}
    assert {"type": "null"} in found["Whole"]["properties"]["near"]["anyOf"]


def test_what_every_event_has_is_required():
    (progress,) = [schema for name, schema in components([Progress]).items() if name == "Progress"]
    assert set(progress["required"]) >= {"type", "task", "n", "attempt", "at", "status", "progress"}
    assert not any("default" in field for field in progress["properties"].values())
    assert "first" not in progress["required"]


@pytest.mark.parametrize("type", [Part, Whole])
def test_a_reference_names_the_type(type):
    assert reference(type) == {"$ref": f"#/components/schemas/{type.__name__}"}


def test_what_is_always_written_is_required_of_answers_and_not_of_requests():
    found = components([ProblemDetails, Submission])
    assert found["ProblemDetails"]["required"] == ["title", "status", "type"]
    assert found["Submission"]["required"] == ["kind"]


def test_an_object_of_any_fields_says_so():
    params = components([Submission])["Submission"]["properties"]["params"]
    assert (params["type"], params["additionalProperties"]) == ("object", True)
