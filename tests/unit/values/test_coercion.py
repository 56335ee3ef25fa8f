"""Arguments of handlers become numbers and texts that an event can hold."""

import math
from decimal import Decimal

import pytest

from headway.values.coercion import MAX_TEXT, clean, number, shorten


class Broken:
    def __float__(self):
        raise RuntimeError("no")

    __str__ = __float__


class Markup(str):
    pass


@pytest.mark.parametrize(("value", "expected"), [(3, 3.0), ("2.5", 2.5), (Decimal("0.5"), 0.5), (True, 1.0)])
def test_number(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "x", None, [], 10**400, Broken()])
def test_anything_else_is_no_number(value):
    assert number(value) is None


@pytest.mark.parametrize(
    ("value", "expected"), [("a", "a"), (5, "5"), (None, "None"), ("a\ud800b", "a?b"), (Broken(), "<Broken>")]
)
def test_text_can_be_encoded(value, expected):
    assert clean(value) == expected


def test_subclass_of_str_becomes_a_plain_one():
    assert type(clean(Markup("a"))) is str


def test_long_text_is_cut():
    assert shorten("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert shorten("x" * (MAX_TEXT + 1)) == "x" * (MAX_TEXT - 1) + "…"
    assert shorten("abcdef", 4) == "abc…"
