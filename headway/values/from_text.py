"""Text as the JSON value that a JSON Schema asks for: words of a command line, values of a query string. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from headway.errors import NestedTooDeepError
from headway.values.exact_json import encode

Schema = dict[str, Any]
Decode = Callable[[str], Any]
"""Decodes JSON. Raises ValueError for anything else, NestedTooDeepError among them."""

MAX_DIGITS = 400
"""Python takes quadratic time for the digits of an integer."""

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": """a list in JSON, such as '["a", "b"]'""",
    "object": """an object in JSON, such as '{"a": 1}'""",
}
_UNFIT = object()


class UnfitTextError(ValueError):
    """A text that a schema does not take; the message says what would fit."""


def from_text(text: str, schema: Schema, root: Schema, decode: Decode) -> Any:
    """`text` as the value that `schema` asks for. Text stays text where a string is allowed and nothing else fits.

    Args:
        schema: the part of `root` that describes the value.
        root: the schema whose `$defs` are referred to.
        decode: decodes JSON; raises ValueError for what is not JSON.

    Raises UnfitTextError, and NestedTooDeepError if `decode` does.
    """
    types, choices = expected(schema, root)
    for choice in choices:
        if text == _written(choice):
            return choice
    for type in ("null", "integer", "number", "boolean", "array", "object"):
        if type in types and (found := _read(text, type, decode)) is not _UNFIT:
            return found
    if "string" in types:
        return text
    if not types and not choices:
        found = _decoded(text, decode)
        return text if found is _UNFIT else found
    raise UnfitTextError(_wanted(types, choices))


def expected(schema: Schema, root: Schema) -> tuple[set[str], list[Any]]:
    """The JSON types that `schema` takes, and the values that it lists. Both are empty when it takes anything."""
    schema = _resolved(schema, root)
    parts = schema.get("anyOf") or schema.get("oneOf")
    if parts:
        found = [expected(part, root) for part in parts]
        return set().union(*(types for types, _ in found)), [choice for _, choices in found for choice in choices]
    if "enum" in schema or "const" in schema:
        return set(), list(schema.get("enum", [])) or [schema["const"]]
    named = schema.get("type", [])
    return ({named} if isinstance(named, str) else set(named)), []


def _resolved(schema: Schema | bool, root: Schema) -> Schema:
    if not isinstance(schema, dict):
        return {}  # JSON Schema allows true and false; what false refuses, the validator reports
    reference = str(schema.get("$ref", ""))
    if not reference.startswith("#/$defs/"):
        return schema
    found = root.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
    return found if isinstance(found, dict) else {}


def _read(text: str, type: str, decode: Decode) -> Any:
    if type == "null":
        return None if text.strip() == "null" else _UNFIT
    if type == "boolean":
        return _BOOLEANS.get(text.lower(), _UNFIT)
    if type == "integer":
        return int(text) if len(text) <= MAX_DIGITS and _INTEGER.fullmatch(text) else _UNFIT
    found = _decoded(text, decode)
    return found if _is(found, type) else _UNFIT


def _is(value: Any, type: str) -> bool:
    if type == "number":
        return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return isinstance(value, list if type == "array" else dict)


def _decoded(text: str, decode: Decode) -> Any:
    try:
        return decode(text)
    except NestedTooDeepError:
        raise
    except ValueError:
        return _UNFIT


def _written(choice: Any) -> str:
    return choice if isinstance(choice, str) else encode(choice).decode()


def _wanted(types: set[str], choices: list[Any]) -> str:
    wanted = [*map(_written, choices), *(_NAMES[type] for type in _NAMES if type in types)]
    return f"{' or '.join(wanted)} is needed"
