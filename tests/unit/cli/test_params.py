"""Conversion of `name=value` words by a JSON Schema."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from headway.cli.params import ParamError, from_json, parse
from headway.kind import Registry
from headway.records import KindRecord
from headway.task import task


class Point(msgspec.Struct, frozen=True):
    x: int = 0


class Params(msgspec.Struct, kw_only=True):
    url: str = ""
    pages: int = 1
    ratio: float = 1.0
    deep: bool = False
    names: list[str] = []
    point: Point = Point()
    limit: int | None = None
    title: str | None = None
    colour: str = "red"
    anything: Any = None


def schema() -> dict[str, Any]:
    """The schema of a kind."""
    registry = Registry()

    @task("k", registry=registry)
    async def handler(job: Any, params: Params) -> None:
        """Nothing."""

    found = registry.get("k")
    assert found is not None
    record: KindRecord = found.record()
    record.params["properties"]["colour"] = {"enum": ["red", "green", 3]}
    return record.params


SCHEMA = schema()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("url=http://a/?b=c", "http://a/?b=c"),
        ("url=12", "12"),
        ("url=", ""),
        ("url=null", "null"),
        ("pages=20", 20),
        ("pages=-3", -3),
        ("ratio=2", 2),
        ("ratio=0.5", 0.5),
        ("ratio=1e3", 1000.0),
        ("deep=true", True),
        ("deep=no", False),
        ("deep=1", True),
        ("deep=Off", False),
        ('names=["a", "b"]', ["a", "b"]),
        ("names=[]", []),
        ('point={"x": 2}', {"x": 2}),
        ("limit=5", 5),
        ("limit=null", None),
        ("title=null", None),
        ("title=5", "5"),
        ("colour=green", "green"),
        ("colour=3", 3),
        ("anything=5", 5),
        ('anything={"a": [1]}', {"a": [1]}),
        ("anything=plain text", "plain text"),
        ("anything=NaN", "NaN"),
    ],
)
def test_value_is_read_as_the_type_of_the_schema(word: str, expected: object) -> None:
    """A string is not converted."""
    name = word.partition("=")[0]
    found = parse([word], SCHEMA)[name]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("pages=many", "pages=many: a whole number is needed"),
        ("pages=1.5", "a whole number"),
        ("pages=", "a whole number"),
        ("pages=٣", "a whole number"),
        ("pages=" + "9" * 5000, "a whole number"),
        ("ratio=NaN", "a number is needed"),
        ("ratio=true", "a number is needed"),
        ("deep=maybe", "true or false"),
        ("names=a,b", "a list in JSON"),
        ('names={"a":1}', "a list in JSON"),
        ("point=1", "an object in JSON"),
        ("limit=x", "a whole number or null"),
        ("colour=blue", "red or green or 3 is needed"),
        ("urll=x", "'urll' is not a parameter; did you mean url?"),
        ("zzz=x", "known: anything, colour"),
        ("url", "'url': write parameters as name=value"),
        ("names=" + "[" * 100_000, "a list in JSON"),
    ],
)
def test_invalid_value_is_reported_with_what_is_expected(word: str, message: str) -> None:
    """In one line."""
    with pytest.raises(ParamError) as caught:
        parse([word], SCHEMA)
    assert message in str(caught.value)


def test_words_override_the_json_object() -> None:
    """A file can contain defaults; the last of two equal words is used."""
    base = from_json('{"url": "a", "pages": 1}')
    assert parse(["pages=2", "pages=3"], SCHEMA, base) == {"url": "a", "pages": 3}
    assert base == {"url": "a", "pages": 1}


def test_kind_without_a_schema_takes_anything() -> None:
    """The server validates."""
    assert parse(["a=1", "b=x"], {}) == {"a": 1, "b": "x"}


@pytest.mark.parametrize("text", ["", "[1]", "{", "nope", '{"a": NaN}'])
def test_json_params_must_be_an_object(text: str) -> None:
    """Parameters are an object."""
    with pytest.raises(ParamError, match="JSON object"):
        from_json(text)
