"""Parameters as classes of several libraries: schema, reading, and errors with JSON pointers."""

import dataclasses
from typing import Annotated, NotRequired, TypedDict

import attrs
import msgspec
import pydantic
import pytest
from jsonschema import Draft202012Validator

from headway.errors import ParamsError, TaskDefinitionError
from headway.values.params import is_class_of_params, read, schema

Width = Annotated[int, msgspec.Meta(ge=16, description="Pixels")]


class Struct(msgspec.Struct):
    folder: str
    width: Width = 1024
    tags: list[str] = []


@dataclasses.dataclass
class Dataclass:
    folder: str
    width: Width = 1024
    tags: list[str] = dataclasses.field(default_factory=list)


class Typed(TypedDict):
    folder: str
    width: NotRequired[Width]
    tags: NotRequired[list[str]]


@attrs.define
class Attrs:
    folder: str
    width: Width = 1024
    tags: list[str] = attrs.field(factory=list)


class Model(pydantic.BaseModel):
    folder: str
    width: int = pydantic.Field(1024, ge=16, description="Pixels")
    tags: list[str] = []


@pydantic.dataclasses.dataclass
class CheckedDataclass:
    folder: str
    width: Annotated[int, pydantic.Field(ge=16, description="Pixels")] = 1024
    tags: list[str] = dataclasses.field(default_factory=list)


CLASSES = [Struct, Dataclass, Typed, Attrs, Model, CheckedDataclass]


@pytest.mark.parametrize("params", CLASSES)
def test_schema_is_as_good_as_of_a_struct(params):
    found = schema(params)
    assert found["type"] == "object"
    assert found["required"] == ["folder"]
    width = found["properties"]["width"]
    assert (width["type"], width["minimum"], width["description"]) == ("integer", 16, "Pixels")
    assert Draft202012Validator(found).is_valid({"folder": "a", "width": 16})
    assert not Draft202012Validator(found).is_valid({"width": 15})


@pytest.mark.parametrize("params", CLASSES)
def test_parameters_are_read(params):
    value = read(b'{"folder": "a", "width": 64}', params)
    fields = value if isinstance(value, dict) else {name: getattr(value, name) for name in ("folder", "width")}
    assert fields == {"folder": "a", "width": 64}
    assert isinstance(value, dict if params is Typed else params)


@pytest.mark.parametrize("params", CLASSES)
@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"folder": "a", "width": "wide"}', "/params/width"),
        (b'{"folder": "a", "width": 1}', "/params/width"),
        (b'{"folder": "a", "tags": ["a", 7]}', "/params/tags/1"),
    ],
)
def test_fault_is_found_by_its_pointer(params, raw, pointer):
    with pytest.raises(ParamsError) as caught:
        read(raw, params)
    [error] = caught.value.errors
    assert error["pointer"] == pointer
    assert error["detail"]
    assert str(caught.value) == f"{pointer}: {error['detail']}"


@pytest.mark.parametrize("params", CLASSES)
@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"\xff", b"[" * 5000, b'{"folder": "\xff"}'])
def test_what_is_no_object_is_refused(params, raw):
    with pytest.raises(ParamsError):
        read(raw, params)


def test_model_names_all_faults():
    with pytest.raises(ParamsError) as caught:
        read(b'{"width": 1, "tags": [7]}', Model)
    assert [error["pointer"] for error in caught.value.errors] == ["/params/folder", "/params/width", "/params/tags/0"]


class Branch(pydantic.BaseModel):
    branches: list["Branch"] = []


def test_model_that_refers_to_itself_has_its_fields_at_the_top():
    found = schema(Branch)
    assert found["type"] == "object"
    assert found["properties"]["branches"]["items"] == {"$ref": "#/$defs/Branch"}
    assert "$defs" in found


class Inner(pydantic.BaseModel):
    inner: Model


def test_pointer_leads_into_a_model():
    with pytest.raises(ParamsError, match="/params/inner/width"):
        read(b'{"inner": {"folder": "a", "width": 0}}', Inner)


class Aliased(pydantic.BaseModel):
    max_pages: int = pydantic.Field(alias="maxPages")


def test_alias_is_the_name_of_the_parameter():
    assert list(schema(Aliased)["properties"]) == ["maxPages"]
    assert read(b'{"maxPages": 3}', Aliased).max_pages == 3


@attrs.define
class Converted:
    folder: str = attrs.field(converter=str.strip, validator=attrs.validators.min_len(2))


def test_converters_and_validators_of_attrs_run():
    assert read(b'{"folder": " ab "}', Converted).folder == "ab"
    with pytest.raises(ParamsError):
        read(b'{"folder": "a"}', Converted)


@dataclasses.dataclass
class Checked:
    low: int
    high: int

    def __post_init__(self):
        if self.low > self.high:
            raise ValueError("low is above high")


def test_checks_of_a_dataclass_run():
    with pytest.raises(ParamsError, match="/params: low is above high"):
        read(b'{"low": 2, "high": 1}', Checked)


class Raising(msgspec.Struct):
    a: int

    def __post_init__(self):
        raise ZeroDivisionError


def test_check_that_raises_anything_is_a_fault_of_the_parameters():
    with pytest.raises(ParamsError, match="/params: ZeroDivisionError"):
        read(b'{"a": 1}', Raising)


class NumberModel(pydantic.RootModel[int]):
    pass


class Odd(TypedDict):
    thing: complex


@pytest.mark.parametrize("params", [NumberModel, Odd])
def test_class_that_is_no_json_object_is_refused(params):
    with pytest.raises(TaskDefinitionError, match=params.__name__):
        schema(params)


@pytest.mark.parametrize("annotation", [dict, int, None, Struct | None, list[Struct], Struct("a"), "Struct"])
def test_anything_else_is_no_class_of_parameters(annotation):
    assert not is_class_of_params(annotation)
