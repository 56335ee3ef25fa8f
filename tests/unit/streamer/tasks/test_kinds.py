"""Parameters against a kind's schema, and parameters from a query string."""

import asyncio
import threading

import pytest

from headway import codec
from headway.errors import NestedTooDeepError
from headway.records import KindRecord, ProcessorRecord
from headway.testing import MemoryBucket
from headway_streamer.malformed import Malformed
from headway_streamer.metrics import Metrics
from headway_streamer.problems import Problem
from headway_streamer.tasks import kinds as module
from headway_streamer.tasks.kinds import (
    MAX_ERRORS,
    RECHECK_SECONDS,
    KindCatalogue,
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


@pytest.mark.parametrize("schema", [{"type": "objekt"}, {"properties": {"a": {"type": "string", "pattern": "("}}}])
async def test_a_kind_whose_schema_is_not_one_is_skipped_and_noted(schema):
    kinds, metrics = MemoryBucket(), Metrics()
    kinds.set("bad", codec.encode_json(KindRecord(kind="bad", params=schema)))
    kinds.set("k", codec.encode_json(KIND))
    catalogue = KindCatalogue(kinds, MemoryBucket(), Malformed(metrics))
    assert [kind["kind"] for kind in await catalogue.offers()] == ["k"]
    assert b'headway_records_malformed_total{what="kind"} 1' in metrics.exposition()
    with pytest.raises(Problem, match="Unknown kind"):
        await catalogue.kind("bad")


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
