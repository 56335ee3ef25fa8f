"""A parameter that is a file: every way to declare parameters tells the page and the command of it."""

import dataclasses
from typing import TypedDict

import msgspec
import pydantic
import pytest

from headway.errors import ParamsError
from headway.values import params
from headway.values.file_param import FILE_FORMAT, File


class Struct(msgspec.Struct):
    table: File


@dataclasses.dataclass
class Data:
    table: File


class Typed(TypedDict):
    table: File


class Model(pydantic.BaseModel):
    table: File


@pytest.mark.parametrize("kind", [Struct, Data, Typed, Model])
def test_the_schema_says_that_it_is_a_file(kind):
    field = params.schema(kind)["properties"]["table"]
    assert (field["type"], field["format"]) == ("string", FILE_FORMAT)
    read = params.read(b'{"table":"f1"}', kind)
    assert (read["table"] if isinstance(read, dict) else read.table) == "f1"


@pytest.mark.parametrize("kind", [Struct, Data, Typed])
def test_what_is_no_id_is_refused(kind):
    with pytest.raises(ParamsError):
        params.read(b'{"table":"../f1"}', kind)


def test_it_may_be_optional_and_have_words_of_its_own():
    class Described(msgspec.Struct):
        table: File | None = None

    field = params.schema(Described)["properties"]["table"]
    assert field["anyOf"][0]["format"] == FILE_FORMAT
