"""Each type has a simpler value, and an unknown one has none."""

import datetime
import enum
import ipaddress
import pathlib
from dataclasses import dataclass
from uuid import UUID

import attrs
import msgspec
import numpy
import pytest

from headway.values.json_forms import MAX_INT_BITS, MAX_ITEMS, WAYS, native, scalar


class Colour(enum.Enum):
    RED = "red"


class Point(msgspec.Struct, tag="point", rename="upper"):
    x: int
    y: int | msgspec.UnsetType = msgspec.UNSET


@dataclass
class Pair:
    a: int
    b: object


@attrs.define
class Size:
    width: int


class Day(datetime.date):
    pass


class Described:
    def __json__(self):
        return {"by": "itself"}


class Anything:
    def __getattr__(self, name):
        return lambda *_: 1


def form(value):
    """What the first way that knows `value` makes of it."""
    return next((found for way in WAYS if (found := way(value)) is not NotImplemented), NotImplemented)


@pytest.mark.parametrize("value", [None, True, 5, 2.5, "a"])
def test_plain_value_is_itself(value):
    assert scalar(value) is value or scalar(value) == value


@pytest.mark.parametrize("value", [Colour.RED, [], 1 << (MAX_INT_BITS + 1), object()])
def test_anything_else_is_not_plain(value):
    assert scalar(value) is NotImplemented


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Colour.RED, "red"),
        (Point(1), {"type": "point", "X": 1}),
        (Pair(1, []), {"a": 1, "b": []}),
        (Size(3), {"width": 3}),
        (msgspec.Raw(b"[1]"), [1]),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (range(3), [0, 1, 2]),
        ({"a": 1}.values(), [1]),
        (numpy.array([1, 2]), [1, 2]),
        (numpy.float64(2.5), 2.5),
        (Described(), {"by": "itself"}),
        (pathlib.PurePosixPath("/a"), "/a"),
        (ipaddress.ip_address("::1"), "::1"),
    ],
)
def test_form_of_a_type(value, expected):
    assert form(value) == expected


@pytest.mark.parametrize("value", [object(), Anything(), range(MAX_ITEMS + 1), Pair, numpy.zeros(MAX_ITEMS + 1)])
def test_no_form(value):
    assert form(value) is NotImplemented


def test_subclass_of_a_native_type():
    assert native(Day(2026, 1, 2)) == "2026-01-02"
