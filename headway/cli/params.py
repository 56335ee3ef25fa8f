"""`name=value` words to a kind's parameters, by its JSON Schema. No I/O; the server has the last word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from headway.cli.render.text import suggestion
from headway.values.exact_json import encode, number

Schema = dict[str, Any]

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
_NONE = object()


class ParamError(ValueError):
    """A word that does not fit; the message says what would."""


def parse(words: Iterable[str], schema: Schema, base: dict[str, Any] | None = None) -> dict[str, Any]:
    """`base` with what `words` say put over it. Raises ParamError."""
    params = dict(base or {})
    properties = schema.get("properties") or {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise ParamError(f"{word!r}: write parameters as name=value")
        if properties and name not in properties:
            raise ParamError(f"{name!r} is no parameter; {suggestion(name, properties)}")
        params[name] = value(name, text, properties.get(name, {}), schema)
    return params


def value(name: str, text: str, schema: Schema, root: Schema) -> Any:
    """`text` as the type that `schema` asks for. Raises ParamError."""
    types, choices = _expected(schema, root)
    for choice in choices:
        if text == _written(choice):
            return choice
    for type in ("null", "integer", "number", "boolean", "array", "object"):
        if type in types and (found := _read(text, type)) is not _NONE:
            return found
    if "string" in types:
        return text
    if not types and not choices:
        found = _json(text)
        return text if found is _NONE else found
    wanted = [*map(_written, choices), *(_NAMES[type] for type in _NAMES if type in types)]
    raise ParamError(f"{name}={text}: {' or '.join(wanted)} is needed")


def from_json(text: str) -> dict[str, Any]:
    """A JSON object with all parameters. Raises ParamError."""
    found = _json(text)
    if not isinstance(found, dict):
        raise ParamError('--json-params needs a JSON object, such as \'{"url": "https://example.org/"}\'')
    return found


def _expected(schema: Schema, root: Schema) -> tuple[set[str], list[Any]]:
    """The JSON types that `schema` takes, and the values it lists."""
    schema = _resolved(schema, root)
    parts = schema.get("anyOf") or schema.get("oneOf")
    if parts:
        found = [_expected(part, root) for part in parts]
        return set().union(*(types for types, _ in found)), [choice for _, choices in found for choice in choices]
    if "enum" in schema or "const" in schema:
        return set(), list(schema.get("enum", [])) or [schema["const"]]
    named = schema.get("type", [])
    return ({named} if isinstance(named, str) else set(named)), []


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = str(schema.get("$ref", ""))
    if not reference.startswith("#/$defs/"):
        return schema
    found = root.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
    return found if isinstance(found, dict) else {}


def _read(text: str, type: str) -> Any:
    if type == "boolean":
        return _BOOLEANS.get(text.lower(), _NONE)
    if type == "integer":
        return int(text) if _INTEGER.fullmatch(text) and len(text) <= 400 else _NONE
    found = _json(text)
    fits = {
        "null": found is None,
        "number": isinstance(found, int | float | Decimal) and not isinstance(found, bool),
        "array": isinstance(found, list),
        "object": isinstance(found, dict),
    }
    return found if fits[type] else _NONE


def _written(choice: Any) -> str:
    return choice if isinstance(choice, str) else encode(choice).decode()


def _json(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise ValueError(word)

    try:
        return json.loads(text, parse_float=number, parse_constant=refuse)  # NaN and Infinity are no JSON
    except (ValueError, RecursionError):
        return _NONE
