"""What a cell holds, judged by its text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_kinds.bulk.values import moment, type_of, unite


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "integer"),
        ("-12", "integer"),
        ("+7", "integer"),
        ("123456789012345678", "integer"),
        ("1234567890123456789", "number"),
        ("1.5", "number"),
        ("1.", "number"),
        (".5", "number"),
        ("-0.0", "number"),
        ("6.02e23", "number"),
        ("1E-9", "number"),
        ("1e999", "text"),
        ("9" * 400, "text"),
        ("1,5", "text"),
        ("1_000", "text"),
        ("1 000", "text"),
        ("١٢", "text"),
        ("nan", "text"),
        ("inf", "text"),
        ("007", "text"),
        ("00.5", "text"),
        ("0x10", "text"),
        ("true", "boolean"),
        ("FALSE", "boolean"),
        ("Yes", "boolean"),
        ("no", "boolean"),
        ("t", "text"),
        ("2024-02-29", "date"),
        ("2023-02-29", "text"),
        ("2024-2-9", "text"),
        ("29.02.2024", "text"),
        ("2024-02-29T12:30", "datetime"),
        ("2024-02-29 12:30:59.123456+02:00", "datetime"),
        ("2024-02-29T12:30:59Z", "datetime"),
        ("2024-02-29T24:30", "text"),
        ("1\n2", "text"),
        ("-", "text"),
        ("12 Main Street", "text"),
        ("NA", "text"),
    ],
)
def test_a_value_has_the_narrowest_type_that_fits(text, expected):
    assert type_of(text) == expected


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_every_integer_is_one(number):
    assert type_of(str(number)) == "integer"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_a_number(number):
    assert type_of(repr(number)) == "number"


@given(st.datetimes(timezones=st.none() | st.timezones()))
def test_every_iso_datetime_is_one_if_its_zone_is_whole_minutes(when):
    offset = when.utcoffset()
    if offset is None or offset.seconds % 60 == 0:
        assert type_of(when.isoformat()) == "datetime"


@given(st.text(min_size=1).map(str.strip).filter(bool) | st.from_regex(r"[0-9+\-.eETZ: ]{1,20}", fullmatch=True))
def test_no_text_breaks_the_judgement(text):
    text = text.strip()
    if text and type_of(text) in ("integer", "number"):
        float(text)


def test_moments_are_compared_across_zones():
    assert moment("2024-01-01T12:00+02:00") < moment("2024-01-01T11:00Z") == moment("2024-01-01 11:00")
    assert moment("2024-01-01") < moment("2024-01-01T00:01")


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (set(), "empty"),
        ({"integer"}, "integer"),
        ({"integer", "number"}, "number"),
        ({"date", "datetime"}, "datetime"),
        ({"integer", "boolean"}, "text"),
        ({"number", "text"}, "text"),
    ],
)
def test_a_column_has_the_narrowest_type_that_holds_all(types, expected):
    assert unite(types) == expected
