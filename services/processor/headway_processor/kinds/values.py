"""What a cell of a table holds, judged by its text alone. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

ValueType = Literal["integer", "number", "boolean", "date", "datetime", "text"]
ColumnType = Literal["integer", "number", "boolean", "date", "datetime", "text", "empty"]

NULLS = ("", "null", "NULL", "\\N")
"""Cells that hold nothing. NA is not among them: it is Namibia, a surname, an airline."""

_SHAPE = re.compile(
    r"(?P<integer>[+-]?(?:0|[1-9]\d{0,17}))"  # a leading zero makes a code: 00501 is Holtsville, not 501
    r"|(?P<number>[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<datetime>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)"
    r"|(?P<boolean>(?i:true|false|yes|no))",
    re.ASCII,
)
_STARTS = frozenset("0123456789+-.tTfFyYnN")


def type_of(text: str) -> ValueType:
    """The narrowest type of `text`, which is stripped and not null. Dates are ISO 8601.

    >>> [type_of(text) for text in ("12", "1.5e3", "2024-02-29", "2024-02-30", "Yes", "007")]
    ['integer', 'number', 'date', 'text', 'boolean', 'text']
    """
    if text[0] not in _STARTS:
        return "text"
    match = _SHAPE.fullmatch(text)
    if match is None:
        return "text"
    kind: ValueType = match.lastgroup  # type: ignore[assignment]  # the groups are named after the types
    if kind == "number":
        return kind if math.isfinite(float(text)) else "text"
    if kind in ("date", "datetime"):
        return kind if moment(text) is not None else "text"
    return kind


def moment(text: str) -> datetime | None:
    """The instant that an ISO date or datetime names; UTC where it names no zone, midnight where no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def unite(types: Iterable[ValueType]) -> ColumnType:
    """The narrowest type that holds values of all `types`.

    >>> unite(["integer", "number"]), unite(["integer", "date"]), unite([])
    ('number', 'text', 'empty')
    """
    found = set(types)
    if not found:
        return "empty"
    if len(found) == 1:
        return found.pop()
    if found == {"integer", "number"}:
        return "number"
    return "datetime" if found == {"date", "datetime"} else "text"
