"""Text becomes the value that a JSON Schema asks for."""

import json

import pytest

from headway.errors import NestedTooDeepError
from headway.values.from_text import UnfitTextError, expected, from_text

ROOT = {
    "$defs": {
        "Point": {"type": "object", "properties": {"x": {"type": "number"}}},
        "Size": {"enum": ["small", "large"]},
        "Broken": 7,
    }
}
NULLABLE_STRING = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def read(text, schema):
    return from_text(text, schema, ROOT, json.loads)


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "string"}, "12", "12"),
        ({"type": "string"}, "", ""),
        ({"type": "string"}, "null", "null"),
        ({"type": "string"}, "{}", "{}"),
        ({"type": "integer"}, "5", 5),
        ({"type": "integer"}, "-3", -3),
        ({"type": "integer"}, "+3", 3),
        ({"type": "integer"}, "9" * 400, int("9" * 400)),
        ({"type": "number"}, "2", 2),
        ({"type": "number"}, "0.5", 0.5),
        ({"type": "number"}, "1e3", 1000.0),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "No", False),
        ({"type": "boolean"}, "1", True),
        ({"type": "boolean"}, "OFF", False),
        ({"type": "null"}, " null ", None),
        ({"type": "array"}, '["a", 1]', ["a", 1]),
        ({"type": "object"}, '{"x": 2}', {"x": 2}),
        ({"type": ["integer", "null"]}, "5", 5),
        ({"type": ["integer", "null"]}, "null", None),
        (NULLABLE_STRING, "null", None),
        (NULLABLE_STRING, "5", "5"),
        (NULLABLE_STRING, "[" * 100_000, "[" * 100_000),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, "5", 5),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, "5 m", "5 m"),
        ({"enum": ["1", "2"]}, "1", "1"),
        ({"enum": ["red", 3, None]}, "3", 3),
        ({"enum": ["red", 3, None]}, "null", None),
        ({"const": 7}, "7", 7),
        ({"$ref": "#/$defs/Point"}, '{"x": 1}', {"x": 1}),
        ({"$ref": "#/$defs/Size"}, "large", "large"),
        ({"anyOf": [{"$ref": "#/$defs/Size"}, {"type": "null"}]}, "null", None),
        (True, "5", 5),
        (False, "a b", "a b"),
        ({"anyOf": [{"type": "integer"}, False]}, "5", 5),
        ({}, "5", 5),
        ({}, '{"a": [1]}', {"a": [1]}),
        ({}, "plain text", "plain text"),
        ({"$ref": "#/$defs/Missing"}, "7", 7),
        ({"$ref": "#/$defs/Broken"}, "7", 7),
        ({"$ref": "https://example.org/schema"}, "7", 7),
    ],
)
def test_text_is_read_as_the_type_of_the_schema(schema, text, value):
    found = read(text, schema)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("schema", "text", "message"),
    [
        ({"type": "integer"}, "many", "a whole number is needed"),
        ({"type": "integer"}, "1.5", "a whole number is needed"),
        ({"type": "integer"}, "", "a whole number is needed"),
        ({"type": "integer"}, "٣", "a whole number is needed"),
        ({"type": "integer"}, "9" * 401, "a whole number is needed"),
        ({"type": "number"}, "true", "a number is needed"),
        ({"type": "boolean"}, "maybe", "true or false is needed"),
        ({"type": "array"}, "a,b", "a list in JSON"),
        ({"type": "array"}, '{"a": 1}', "a list in JSON"),
        ({"type": "object"}, "1", "an object in JSON"),
        ({"type": ["integer", "null"]}, "x", "a whole number or null is needed"),
        ({"enum": ["red", 3]}, "blue", "red or 3 is needed"),
        ({"anyOf": [{"$ref": "#/$defs/Size"}, {"type": "integer"}]}, "x", "small or large or a whole number is needed"),
    ],
)
def test_text_that_does_not_fit_raises_what_would(schema, text, message):
    with pytest.raises(UnfitTextError) as caught:
        read(text, schema)
    assert message in str(caught.value)


def test_error_of_the_decoder_that_is_no_value_error_is_raised():
    def decode(text):
        raise MemoryError

    with pytest.raises(MemoryError):
        from_text("[", {"type": "array"}, {}, decode)


def test_nesting_too_deep_is_an_error_of_its_own():
    def decode(text):
        raise NestedTooDeepError(100)

    with pytest.raises(NestedTooDeepError):
        from_text("[[]]", {"type": "object"}, ROOT, decode)


def test_types_and_choices_that_a_schema_takes():
    assert expected({}, ROOT) == (set(), [])
    assert expected({"type": ["array", "null"]}, ROOT) == ({"array", "null"}, [])
    parts = {"anyOf": [{"$ref": "#/$defs/Size"}, {"type": "null"}]}
    assert expected(parts, ROOT) == ({"null"}, ["small", "large"])
