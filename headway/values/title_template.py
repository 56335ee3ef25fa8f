"""Titles of tasks that their kind describes: ``Crawl {url}``, filled in from the parameters. No I/O.

Only names are filled in: a template is data of another process, and parameters are data of anybody. There are no
attributes, indices, conversions and formats.
"""

from __future__ import annotations

import json
import re
from typing import Any

from headway.values.coercion import shorten
from headway.values.labels import title_of
from headway.values.redaction import is_secret_name

MAX_VALUE_CHARS = 100
MISSING = "…"
"""Stands for a parameter that is absent, has no short form, or is secret."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
_PART = re.compile(rf"\{{\{{|\}}\}}|\{{({_NAME})(?:\.({_NAME}))?\}}|[{{}}]")


def check_template(template: str) -> None:
    """Raise ValueError that says what cannot be filled in."""
    for part in _PART.finditer(template):
        if part[0] in "{}":
            raise ValueError(
                f"title {template[:100]!r}: write {{name}} or {{name.field}}, and {{{{ or }}}} for a brace"
            )


def fill_in(template: str, params: Any, schema: dict[str, Any]) -> str:
    """The title of a task with these parameters; empty for an empty template.

    Args:
        template: text with ``{name}``, or ``{name.field}`` for a field of an object.
        params: the parameters, as their JSON.
        schema: of the parameters. What it marks as secret (``writeOnly``, or the format ``password``) is not shown,
            and neither is a parameter whose name is that of a secret.

    >>> fill_in("Crawl {url}, {depth} deep", {"url": "https://example.org/"}, {})
    'Crawl https://example.org/, … deep'
    """

    def value_of(part: re.Match[str]) -> str:
        if part[1] is None:
            return part[0][0]  # a brace, or an unfinished part, which is shown as it is
        return _text(*_found([name for name in part.groups() if name], params, schema))

    return title_of(_PART.sub(value_of, template))


def fill_key(template: str, params: Any, schema: dict[str, Any]) -> str:
    """A key of a task with these parameters, with their whole values; empty for an empty template.

    >>> fill_key("{url} {depth}", {"url": "u", "depth": 2}, {})
    '"u" 2'
    """

    def value_of(part: re.Match[str]) -> str:
        if part[1] is None:
            return part[0][0]
        value = params
        for name in filter(None, part.groups()):
            value = value.get(name) if isinstance(value, dict) else None
        if value is None and part[2] is None:
            rule = _property(schema, part[1], schema)
            value = rule.get("default") if isinstance(rule, dict) else None
        return json.dumps(value, sort_keys=True, default=str)

    return _PART.sub(value_of, template)


def _found(path: list[str], value: Any, schema: dict[str, Any]) -> tuple[Any, bool]:
    """The value at `path`, None if there is none, and whether it is secret."""
    rule: Any = schema
    for name in path:
        rule = _property(rule, name, schema)
        if is_secret_name(name) or _is_secret(rule, schema):
            return None, True
        value = value.get(name) if isinstance(value, dict) else None
    return value, False


def _property(rule: Any, name: str, schema: dict[str, Any]) -> Any:
    properties = _resolved(rule, schema).get("properties")
    return properties.get(name) if isinstance(properties, dict) else None


def _resolved(rule: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """`rule` without its reference to a part of the schema, or without the alternative null."""
    for _ in range(8):  # references may form a circle
        if not isinstance(rule, dict):
            return {}
        alternatives = [one for one in _list(rule.get("anyOf")) if one != {"type": "null"}]
        reference = rule.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/$defs/"):
            parts = schema.get("$defs")
            rule = parts.get(reference.removeprefix("#/$defs/")) if isinstance(parts, dict) else None
        elif len(alternatives) == 1:
            rule = alternatives[0]
        else:
            return rule
    return {}


def _is_secret(rule: Any, schema: dict[str, Any]) -> bool:
    marks = [rule, _resolved(rule, schema)]
    marks += [one for mark in marks if isinstance(mark, dict) for one in _list(mark.get("anyOf"))]
    return any(
        isinstance(mark, dict) and (mark.get("writeOnly") is True or mark.get("format") == "password") for mark in marks
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any, secret: bool) -> str:
    if secret or value is None or isinstance(value, dict | list):
        return MISSING
    return shorten(value if isinstance(value, str) else json.dumps(value), MAX_VALUE_CHARS)
