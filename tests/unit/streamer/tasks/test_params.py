"""Parameters against a kind's schema, and parameters from a query string."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from headway import codec
from headway.errors import NestedTooDeepError
from headway.records import KindRecord
from headway_streamer.problems import Problem
from headway_streamer.tasks import params as module
from headway_streamer.tasks.params import (
    MAX_ERRORS,
    BoundedValidator,
    check_params,
    check_params_of_any_size,
    from_query,
)

KIND = KindRecord(
    kind="k",
    params={
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "count": {"type": "integer", "minimum": 1},
            "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "fast": {"type": "boolean"},
            "mode": {"enum": ["1", "2"]},
            "any": {},
            "point": {"$ref": "#/$defs/Point"},
        },
        "required": ["text"],
        "additionalProperties": False,
        "$defs": {"Point": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}},
    },
)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("text", ["5"], "5"),
        ("text", ["{}"], "{}"),
        ("count", ["5"], 5),
        ("count", ["five"], "five"),
        ("maybe", ["null"], None),
        ("maybe", ["1.5"], 1.5),
        ("name", ["a"], "a"),
        ("name", ["5"], "5"),
        ("name", ["null"], None),
        ("tags", ["a", "b"], ["a", "b"]),
        ("tags", ["a"], ["a"]),
        ("tags", ['["a","b"]'], ["a", "b"]),
        ("fast", ["true"], True),
        ("fast", ["yes"], True),
        ("fast", ["maybe"], "maybe"),
        ("count", ["5.0"], 5.0),
        ("mode", ["1"], "1"),
        ("any", ['{"a":1}'], {"a": 1}),
        ("any", ["text"], "text"),
        ("point", ['{"x":1}'], {"x": 1}),
        ("unknown", ["7"], 7),
    ],
)
def test_a_query_value_becomes_what_the_schema_says(name, values, expected):
    assert from_query(KIND, {name: values}) == {name: expected}


@pytest.mark.parametrize(
    ("params", "pointers"),
    [
        ({"text": "a"}, []),
        ([], ["/params"]),
        ({}, ["/params/text"]),
        ({"text": "a", "count": 0}, ["/params/count"]),
        ({"text": "a", "count": "x"}, ["/params/count"]),
        ({"text": "a", "tags": ["a", 1]}, ["/params/tags/1"]),
        ({"text": "a", "point": {}}, ["/params/point/x"]),
        ({"text": "a", "b/c~": 1, "z": 2}, ["/params/b~1c~0", "/params/z"]),
    ],
)
def test_each_error_has_a_pointer(params, pointers):
    if not pointers:
        check_params(KIND, params)
        return
    with pytest.raises(Problem) as caught:
        check_params(KIND, params)
    assert [e["pointer"] for e in caught.value.errors] == pointers


@pytest.mark.parametrize(("name", "rejected"), [("any", True), ("point", True), ("unknown", True), ("text", False)])
def test_a_query_value_that_is_nested_too_deeply_is_rejected_unless_it_is_text(name, rejected):
    text = "[" * codec.MAX_DEPTH + "]" * codec.MAX_DEPTH
    if rejected:
        with pytest.raises(NestedTooDeepError):
            from_query(KIND, {name: [text]})
    else:
        assert from_query(KIND, {name: [text]}) == {name: text}


def test_the_number_of_errors_is_bounded():
    with pytest.raises(Problem) as caught:
        check_params(KIND, {"text": "a"} | {f"x{n}": n for n in range(1000)})
    assert len(caught.value.errors) == 50


def test_errors_beyond_the_bound_are_not_sought(monkeypatch):
    judged = []
    monkeypatch.setattr(module, "_faults", lambda error: judged.append(error) or iter([{"pointer": "", "detail": ""}]))
    with pytest.raises(Problem):
        check_params(KIND, {"text": "a", "tags": [1] * 10_000})
    assert len(judged) == MAX_ERRORS


@pytest.mark.parametrize(("count", "on_the_loop"), [(1, True), (10_000, False)])
async def test_large_parameters_are_validated_off_the_loop(monkeypatch, count, on_the_loop):
    threads = []
    monkeypatch.setattr(module, "check_params", lambda kind, params: threads.append(threading.get_ident()))
    await check_params_of_any_size(KIND, {"text": "a", "tags": ["b"] * count})
    assert (threads == [threading.get_ident()]) == on_the_loop


def test_a_reference_to_nothing_in_a_schema_is_a_problem_that_names_it():
    kind = KindRecord(kind="k", params={"type": "object", "properties": {"a": {"$ref": "#/$defs/Absent"}}})
    with pytest.raises(Problem, match="Absent") as caught:
        check_params(kind, {"a": 1})
    assert caught.value.status == 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5]) | st.sampled_from(["", "0", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=8,
)
SCHEMAS = [
    {"uniqueItems": True},
    {"uniqueItems": False},
    {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
    {"oneOf": [{"type": "number"}, {"type": "integer"}, {"type": "array", "uniqueItems": True}]},
]


@given(value=JSON, schema=st.sampled_from(SCHEMAS))
def test_the_bounded_validator_judges_as_jsonschema_does(value, schema):
    assert BoundedValidator(schema).is_valid(value) == Draft202012Validator(schema).is_valid(value)


@pytest.mark.security
def test_each_item_of_a_list_is_looked_at_once_to_find_equal_ones(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "_comparable", lambda value: seen.append(value) or repr(value))
    assert BoundedValidator({"uniqueItems": True}).is_valid([str(n) if n % 2 else [n] for n in range(35_000)])
    assert len(seen) == 35_000
