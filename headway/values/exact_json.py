"""JSON whose numbers keep all their digits: what a float would change is a Decimal."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

import msgspec


def number(text: str) -> float | Decimal:
    """A JSON number with a point or an exponent: a float when that has the same value, else a Decimal.

    >>> number("0.1"), number("0.12345678901234567890"), number("1e400")
    (0.1, Decimal('0.12345678901234567890'), Decimal('1E+400'))
    """
    value = float(text)
    try:
        exact = Decimal(text)
    except InvalidOperation:  # an exponent of nineteen digits
        return value
    return value if isfinite(value) and Decimal(repr(value)) == exact else exact


def decode(data: bytes | str) -> Any:
    """Any JSON. Raises msgspec.DecodeError."""
    return _DECODER.decode(data)


def encode(value: Any) -> bytes:
    """`value` as JSON, Decimals as numbers. Raises ValueError for NaN and infinity, TypeError for what is not JSON."""
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except TypeError:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can hold
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


_DECODER = msgspec.json.Decoder(float_hook=number)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
