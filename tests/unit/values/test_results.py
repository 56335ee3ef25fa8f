"""Results as JSON: a table of values, and what is done with those that have no JSON form."""

import collections
import dataclasses
import datetime
import enum
import ipaddress
import json
import math
import threading
from pathlib import Path

import attrs
import msgspec
import numpy
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway import codec
from headway.values import results
from headway.values.results import default_encoder, encode_result, reset_default_encoder

LOCK = threading.Lock()


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Colour(enum.Enum):
    RED = Text("red")


class Model(pydantic.BaseModel):
    day: datetime.date = datetime.date(2026, 1, 2)


class ModelWithLock(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    name: str = "a"
    lock: object = LOCK


class Names(pydantic.RootModel[list[str]]):
    pass


@dataclasses.dataclass
class Row:
    value: object
    missing: object = dataclasses.field(init=False)


@attrs.define
class Box:
    value: object


class Tagged(msgspec.Struct, tag="t", rename="camel"):
    some_value: object
    unset: object = msgspec.UNSET


class OwnWay:
    def __json__(self):
        return {"own": Text("way")}


class AnswersToAnything:
    def __getattr__(self, name):
        return lambda *_, **__: 1

    def __repr__(self):
        return "anything"


class Unprintable:
    def __repr__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (numpy.float64(1.5), 1.5),
        (numpy.int32(3), 3),
        (numpy.bool_(True), True),
        (numpy.str_("a"), "a"),
        (numpy.datetime64("2026-01-02"), "2026-01-02"),
        (numpy.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        ({"mean": numpy.float32(0.5), "rows": [numpy.int64(1)]}, {"mean": 0.5, "rows": [1]}),
        (Model(), {"day": "2026-01-02"}),
        ([Model()], [{"day": "2026-01-02"}]),
        (Names(["a"]), ["a"]),
        (Row(Text("a")), {"value": "a"}),
        (Box(numpy.int64(1)), {"value": 1}),
        (Tagged(Text("a")), {"type": "t", "someValue": "a"}),
        (OwnWay(), {"own": "way"}),
        (Path("/data/a.png"), "/data/a.png"),
        ({"paths": {Path("a")}}, {"paths": ["a"]}),
        (Text("a"), "a"),
        (Number(7), 7),
        (Colour.RED, "red"),
        (collections.deque([1, Text("a")]), [1, "a"]),
        (collections.UserDict(a=Text("b")), {"a": "b"}),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        (ipaddress.ip_address("::1"), "::1"),
        ((Text("a"), frozenset([Text("b")])), ["a", ["b"]]),
        (b"abc", "YWJj"),
        (bytearray(b"abc"), "YWJj"),
        ([Text("a"), datetime.timedelta(1)], ["a", "P1D"]),
        ([math.nan, math.inf], [None, None]),
        ([Text("a"), math.nan], ["a", None]),
        ("\ud800", "?"),
        ({Colour.RED: 1, None: 2, True: 3, 4: 5, 1.5: 6, Text("t"): 7, datetime.date(2026, 1, 2): 8}, ...),
        ([msgspec.Raw(b'{"a": 1}'), Text("a")], [{"a": 1}, "a"]),
        (10**30, 10**30),
    ],
)
def test_value_has_a_json_form(value, shown):
    encoded = encode_result(value)
    keys = {"red": 1, "null": 2, "true": 3, "4": 5, "1.5": 6, "t": 7, "2026-01-02": 8}
    assert json.loads(encoded.raw) == (keys if shown is ... else shown)
    assert encoded.warning == ""


@pytest.mark.parametrize(
    ("value", "shown", "pointer"),
    [
        ({"rows": 3, "lock": LOCK}, {"rows": 3, "lock": "<unlocked _thread.lock object>"}, "/lock"),
        ([1, [1j]], [1, ["1j"]], "/1/0"),
        (1j, "1j", ""),
        (ModelWithLock(), {"name": "a", "lock": "<unlocked _thread.lock object>"}, "/lock"),
        (Row(LOCK), {"value": "<unlocked _thread.lock object>"}, "/value"),
        ({"a/b~": {"c": 1j}}, {"a/b~": {"c": "1j"}}, "/a~1b~0/c"),
        ({(1, 2): 3}, {"(1, 2)": 3}, "/(1, 2)"),
        (AnswersToAnything(), "anything", ""),
        ([Unprintable()], ["<Unprintable instance>"], "/0"),
        (numpy.array([LOCK]), ["<unlocked _thread.lock object>"], "/0"),
        (range(10**12), "range(0, 1000000000000)", ""),
        ([ValueError("a")], ["ValueError('a')"], "/0"),
        ([10**5000], ["<int>"], "/0"),
        (msgspec.Raw(b"nope"), "<msgspec.Raw object>", ""),
        (threading.Lock, repr(threading.Lock), ""),
    ],
)
def test_part_without_a_json_form_is_kept_as_text_with_its_place(value, shown, pointer):
    encoded = encode_result(value)
    found = json.loads(encoded.raw)
    assert found == shown
    assert [place.pointer for place in encoded.places] == [pointer]
    assert (pointer or "all of it") in encoded.warning


def test_large_array_is_kept_as_text():
    assert "shape=(200000,)" in json.loads(encode_result(numpy.zeros(200_000)).raw)


def test_value_that_holds_itself_is_cut():
    value = {"name": "a"}
    value["self"] = [value]
    encoded = encode_result(value)
    assert json.loads(encoded.raw)["name"] == "a"
    assert [place.pointer for place in encoded.places] == ["/self/0"]


@pytest.mark.parametrize("levels", [101, 400, 100_000])
@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"[": inner}])
def test_depth_is_bounded_so_that_every_reader_can_read_it(levels, wrap):
    value = 1
    for _ in range(levels):
        value = wrap(value)
    raw = encode_result(value).raw
    depth, found = 0, json.loads(raw)
    while isinstance(found, list | dict):
        depth, found = depth + 1, found[0] if isinstance(found, list) else found["["]
    assert depth == codec.MAX_DEPTH


@pytest.mark.parametrize("value", [[[]] * 500, {"text": "[" * 500}, [{"a": ['\\"[{']}] * 200])
def test_width_is_no_depth(value):
    assert json.loads(encode_result(value).raw) == value


def test_places_are_bounded():
    encoded = encode_result([1j] * 1000)
    assert len(encoded.places) == 20
    assert encoded.warning.endswith("and 980 more")


def test_text_is_bounded():
    class Long:
        def __repr__(self):
            return "x" * 100_000

    assert len(json.loads(encode_result(Long()).raw)) <= results.MAX_REPR


def test_encoder_of_the_task_is_asked_before_that_of_the_process():
    default_encoder(lambda value: "process")
    try:
        assert json.loads(encode_result(1j).raw) == "process"
        assert json.loads(encode_result(1j, lambda value: {"task": [value.imag]}).raw) == {"task": [1.0]}
        assert json.loads(encode_result(1j, lambda value: NotImplemented).raw) == "process"
    finally:
        reset_default_encoder()
    assert json.loads(encode_result(1j).raw) == "1j"


def test_encoder_of_the_how_to_works_as_printed(printed):
    class Money:
        def __format__(self, spec):
            return format(1.5, spec)

    names = {"Money": Money}
    for block in printed:
        exec(compile(block.text, str(block), "exec"), names)
    try:
        assert json.loads(encode_result({"price": Money()}).raw) == {"price": "1.50 €"}
    finally:
        reset_default_encoder()


@pytest.mark.parametrize("encoder", [lambda value: value, lambda value: [value], lambda value: 1 / 0])
def test_encoder_that_does_not_help_is_bounded(encoder):
    encoded = encode_result({"a": 1j}, encoder)
    assert "1j" in encoded.raw.decode()
    assert len(encoded.places) == 1


def test_encoder_sees_only_what_has_no_form():
    seen = []
    encode_result({"a": 1, "b": Path("c"), "d": LOCK}, lambda value: seen.append(value) or "lock")
    assert seen == [LOCK]


@settings(max_examples=20, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.tuples(st.text()), inner),
    )
)
def test_anything_becomes_json(value):
    json.loads(encode_result(value).raw)
