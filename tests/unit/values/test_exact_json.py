"""JSON whose numbers keep all their digits."""

from decimal import Decimal

import msgspec
import pytest

from headway.values.exact_json import decode, encode, number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1),
        ("1e3", 1000.0),
        ("-2.50", -2.5),
        ("0.12345678901234567890", Decimal("0.12345678901234567890")),
        ("1e400", Decimal("1e400")),
        ("1e-400", Decimal("1e-400")),
    ],
)
def test_number_is_a_float_only_when_that_is_exact(text, value):
    found = number(text)
    assert found == value
    assert type(found) is type(value)


def test_exponent_beyond_all_decimals_is_a_float():
    assert number("1e-9999999999999999999") == 0.0


def test_digits_survive_decoding_and_encoding():
    text = b'{"a":0.12345678901234567890,"b":123456789012345678901234567890,"c":[1.5,"\xc3\xa9"]}'
    assert encode(decode(text)) == text


@pytest.mark.parametrize("text", [b"", b"{", b"NaN"])
def test_what_is_not_json_raises(text):
    with pytest.raises(msgspec.DecodeError):
        decode(text)


def test_lone_surrogate_is_escaped():
    assert encode(["\ud800"]) == b'["\\ud800"]'


def test_nan_is_refused():
    with pytest.raises(ValueError):
        encode(float("nan"))


def test_what_is_not_json_is_a_type_error():
    with pytest.raises(TypeError):
        encode(object())
