"""Conversion of `name=value` words to parameters by a kind's JSON Schema. No I/O; the server validates the result."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from headway.cli.render.text import suggestion
from headway.values.exact_json import number
from headway.values.from_text import Schema, UnfitTextError, from_text


class ParamError(ValueError):
    """A word is not valid for the schema; the message names what is."""


def parse(words: Iterable[str], schema: Schema, base: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return `base` updated with the parameters in `words`. Raises ParamError."""
    params = dict(base or {})
    properties = schema.get("properties") or {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise ParamError(f"{word!r}: write parameters as name=value")
        if properties and name not in properties:
            raise ParamError(f"{name!r} is not a parameter; {suggestion(name, properties)}")
        try:
            params[name] = from_text(text, properties.get(name, {}), schema, _decode)
        except UnfitTextError as error:
            raise ParamError(f"{name}={text}: {error}") from None
    return params


def from_json(text: str) -> dict[str, Any]:
    """Parse a JSON object of parameters. Raises ParamError."""
    try:
        found = _decode(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ParamError('--json-params requires a JSON object, such as \'{"url": "https://example.org/"}\'')
    return found


def _decode(text: str) -> Any:
    try:
        return json.loads(text, parse_float=number, parse_constant=_reject)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _reject(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")  # NaN and Infinity
