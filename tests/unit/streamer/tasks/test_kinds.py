"""Parameters against a kind's schema, and parameters from a query string."""

import asyncio

import pytest

from headway import codec
from headway.errors import NestedTooDeepError
from headway.records import KindRecord, ProcessorRecord
from headway.testing import MemoryBucket
from headway_streamer.problems import Problem
from headway_streamer.tasks.kinds import RECHECK_SECONDS, KindCatalogue, check_params, from_query

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


@pytest.mark.looptime
async def test_what_has_come_since_the_last_read_is_found_before_it_is_called_unknown():
    kinds, leases = MemoryBucket(), MemoryBucket()
    catalogue = KindCatalogue(kinds, leases, malformed=None)
    with pytest.raises(Problem):
        await catalogue.kind("k")
    kinds.set("k", codec.encode_json(KIND))
    await asyncio.sleep(RECHECK_SECONDS)
    assert (await catalogue.kind("k")).kind == "k"
    assert await catalogue.processors_of("k") == 0
    leases.set("p1", codec.encode_json(ProcessorRecord(kinds=["k"])))
    await asyncio.sleep(RECHECK_SECONDS)
    assert await catalogue.processors_of("k") == 1
    reads = kinds.reads
    for _ in range(100):
        assert await catalogue.processors_of("k") == 1
        with pytest.raises(Problem):
            await catalogue.kind("unknown")
    assert kinds.reads == reads
