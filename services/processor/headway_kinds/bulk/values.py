"""The type of a cell of a table, from its text. No I/O."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Literal

ValueType = Literal["integer", "number", "boolean", "date", "datetime", "text"]
ColumnType = Literal["integer", "number", "boolean", "date", "datetime", "text", "empty"]

NULLS = ("", "null", "NULL", "\\N")
"""Cells without a value. NA is not among them: it is Namibia, a surname, an airline."""

_SHAPES: dict[ValueType, str] = {
    "integer": r"[+-]?(?:0|[1-9]\d{0,17})",  # with a leading zero it is a code: 00501 is Holtsville, not 501
    "number": r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?",
    "date": r"\d{4}-\d\d-\d\d",
    "datetime": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?",
    "boolean": r"(?i:true|false|yes|no)",
}
_SHAPE = re.compile("|".join(f"(?P<{kind}>{shape})" for kind, shape in _SHAPES.items()), re.ASCII)
_UNIFORM: tuple[tuple[ValueType, re.Pattern[str]], ...] = (
    ("integer", re.compile(rf"(?>{_SHAPES['integer']}\n)*+", re.ASCII)),
    ("number", re.compile(r"(?>[+-]?(?:0|[1-9]\d{0,17})\.\d{0,18}\n)*+", re.ASCII)),
)
"""Patterns for most columns of numbers, for many values at once; other values are typed one by one."""
_STARTS = frozenset("0123456789+-.tTfFyYnN")


def type_of(text: str) -> ValueType:
    """Return the narrowest type of `text`, which is stripped and not null. Dates are ISO 8601.

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


def by_type(values: Collection[str]) -> dict[ValueType, list[str]]:
    """Group `values`, stripped and not null, by type.

    >>> by_type(["1", "x", "2"])
    {'integer': ['1', '2'], 'text': ['x']}
    """
    joined = "\n".join(values) + "\n"
    if joined[0] in _STARTS and joined.count("\n") == len(values):
        for kind, pattern in _UNIFORM:
            if pattern.fullmatch(joined):
                return {kind: list(values)}
    groups: defaultdict[ValueType, list[str]] = defaultdict(list)
    for value in values:
        groups[type_of(value)].append(value)
    return dict(groups)


def moment(text: str) -> datetime | None:
    """Parse an ISO date or datetime; UTC without a zone, midnight without a time, None if invalid."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def unite(types: Iterable[ValueType]) -> ColumnType:
    """Return the narrowest type for values of all `types`.

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
