"""The parameters of a kind: their JSON Schema, and reading them. No I/O.

A class of parameters is a `msgspec.Struct`, a dataclass, a `TypedDict`, an attrs class or a pydantic model. msgspec
reads all but the last. pydantic reads its own models and is not imported here: a program with a model has loaded it.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import typing
from functools import lru_cache
from typing import Any

import msgspec

from headway.errors import ParamsError, TaskDefinitionError

MAX_ERRORS = 50

_PLACE = re.compile(r" - at `(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>[^\]]*)\]")


def is_class_of_params(annotation: object) -> typing.TypeGuard[type]:
    """Whether a handler's second argument may have this annotation.

    >>> is_class_of_params(msgspec.Struct), is_class_of_params(dict)
    (True, False)
    """
    if not isinstance(annotation, type):
        return False
    known = issubclass(annotation, msgspec.Struct) or dataclasses.is_dataclass(annotation)
    return known or typing.is_typeddict(annotation) or _is_attrs(annotation) or _is_pydantic(annotation)


@lru_cache(256)
def _schema(params: type) -> dict[str, Any]:
    if _is_pydantic(params):
        whole = dict(_adapter(params).json_schema())
        parts, name = whole.pop("$defs", {}), str(whole.get("$ref", "")).rpartition("/")[2]
        root: dict[str, Any] = parts[name] if "$ref" in whole else whole
    else:
        (whole,), parts = msgspec.json.schema_components([params], ref_template="#/$defs/{name}")
        name = whole["$ref"].rpartition("/")[2]
        root = parts[name]
    if name and msgspec.json.encode(f"#/$defs/{name}") not in msgspec.json.encode([root, parts]):
        del parts[name]  # else it refers to itself
    return {**root, "$defs": parts} if parts else root


def schema(params: type) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a class of parameters: an object. Raises TaskDefinitionError."""
    try:
        found = _schema(params)
    except Exception as error:
        raise TaskDefinitionError(f"{params.__qualname__} has no JSON Schema: {error}") from error
    if found.get("type") != "object":
        raise TaskDefinitionError(
            f"{params.__qualname__} does not have a JSON object as its form, which parameters need"
        )
    return found


def read(raw: bytes | msgspec.Raw, params: type) -> Any:
    """`raw` as an instance of `params`; a dict for a TypedDict. Raises ParamsError."""
    try:
        if _is_pydantic(params):
            return _adapter(params).validate_json(bytes(raw))
        value: Any = msgspec.json.decode(raw, type=params)
        return _converted(value) if _is_attrs(params) else value
    except Exception as error:
        raise ParamsError(_faults(error)) from error


def _is_attrs(params: type) -> bool:
    return "__attrs_attrs__" in vars(params)


def _is_pydantic(params: type) -> bool:
    """Whether it is a model, or a dataclass of pydantic, which msgspec would create without its checks."""
    return "__pydantic_validator__" in vars(params) and "pydantic" in sys.modules


@lru_cache(256)
def _adapter(params: type) -> Any:
    return sys.modules["pydantic"].TypeAdapter(params)


def _converted(value: Any) -> Any:
    # msgspec sets the attributes itself: the class's validators run, its converters do not.
    fields = [field for field in type(value).__attrs_attrs__ if field.init]
    if not any(field.converter for field in fields):
        return value
    return type(value)(**{field.alias: getattr(value, field.name) for field in fields})


def _faults(error: Exception) -> list[dict[str, str]]:
    if isinstance(error, msgspec.ValidationError):
        text = str(error)
        found = _PLACE.search(text)
        path = found["path"] if found else ""
        steps = [match["name"] or match["index"] for match in _STEP.finditer(path)]
        return [_fault(steps, text[: found.start()] if found else text)]
    if hasattr(error, "errors") and type(error).__module__.startswith("pydantic"):
        listed = error.errors(include_url=False, include_input=False, include_context=False)
        return [_fault(one["loc"], one["msg"]) for one in listed[:MAX_ERRORS]]
    try:
        return [_fault((), str(error) or type(error).__name__)]
    except Exception:  # noqa: BLE001 - a third-party exception may not even be printable
        return [_fault((), type(error).__name__)]


def _fault(steps: typing.Iterable[object], detail: str) -> dict[str, str]:
    escaped = [str(step).replace("~", "~0").replace("/", "~1") for step in steps]
    return {"pointer": "/".join(["", "params", *escaped]), "detail": detail[:300]}
