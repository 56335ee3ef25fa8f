"""JSON Schemas of the types that travel, for both documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET

from headway.events import Header
from headway.service.usage import explanations

Schema = dict[str, Any]

REF = "#/components/schemas/{name}"
ALWAYS = ("task", "n", "attempt", "at")
"""Fields that every event of a log has, although their types have defaults."""


def reference(type: type) -> Schema:
    """A reference to the schema of a Struct."""
    return {"$ref": REF.format(name=type.__name__)}


def components(types: Iterable[type]) -> dict[str, Schema]:
    """The schemas of Structs, and of those in their fields, by name."""
    _, found = msgspec.json.schema_components(types, ref_template=REF)
    known = {struct.__name__: struct for struct in _structs(types)}
    return {name: _completed(schema, known[name]) for name, schema in sorted(found.items())}


def _structs(types: Iterable[type]) -> Iterable[type[msgspec.Struct]]:
    """All Structs that `types` are made of."""
    for info in msgspec.inspect.multi_type_info(types):
        yield from _within(info)


def _within(info: Any) -> Iterable[type[msgspec.Struct]]:
    if isinstance(info, msgspec.inspect.StructType):
        yield info.cls
        for field in info.fields:
            yield from _within(field.type)
    elif isinstance(info, msgspec.inspect.UnionType):
        for part in info.types:
            yield from _within(part)
    elif isinstance(info, msgspec.inspect.ListType):
        yield from _within(info.item_type)


def _completed(schema: Schema, type: type[msgspec.Struct]) -> Schema:
    """`schema` as it is on the wire: with descriptions, and without nulls where fields are left out instead.

    Without defaults, too: generators of types take a field that has one for a field that is always there.
    """
    texts = _texts(type)
    required = schema.setdefault("required", [])
    for field in msgspec.structs.fields(type):
        shown = schema["properties"][field.encode_name]
        had_default = "default" in shown
        shown.pop("default", None)
        if type.__struct_config__.omit_defaults and had_default:
            shown = _without_null(shown)
        if shown == {"type": "object"}:
            shown["additionalProperties"] = True
        if field.name in texts:
            shown = {**shown, "description": texts[field.name]}
        schema["properties"][field.encode_name] = shown
        if field.encode_name not in required and _always_there(type, field):
            required.append(field.encode_name)
    return schema


def _always_there(type: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> bool:
    """Whether the field is written although it has a default. Types that forbid other fields are those of requests."""
    if issubclass(type, Header):
        return field.name in ALWAYS
    config = type.__struct_config__
    return not config.omit_defaults and not config.forbid_unknown_fields and field.default is not UNSET


def _without_null(schema: Schema) -> Schema:
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema


def _texts(type: type[msgspec.Struct]) -> dict[str, str]:
    """What follows each field in the source, those of the base classes included."""
    texts: dict[str, str] = {}
    for base in reversed(type.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            texts |= explanations(base)
    return texts
