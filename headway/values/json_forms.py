"""JSON forms of values of many types, one level at a time. No I/O.

Each function returns a simpler value, whose parts may be of any type, or NotImplemented for an unknown type.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import ipaddress
import os
from collections.abc import Callable, Sequence, Set, ValuesView
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

MAX_ITEMS = 100_000
"""Maximum items of an array or range that is written as a list."""
MAX_INT_BITS = 14_000
"""Python refuses to write longer integers as decimals."""

NATIVE = (datetime.date, datetime.time, datetime.timedelta, UUID, Decimal, bytes, bytearray, memoryview)
"""What msgspec writes as a string."""
_ADDRESSES = (ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network)


def scalar(value: Any) -> Any:
    """None, a bool, an int, a float or a str of no subclass; NotImplemented for anything else."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, enum.Enum):
        return NotImplemented
    if isinstance(value, str):  # msgspec takes no subclass
        return str.__str__(value).encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return int.__int__(value) if value.bit_length() <= MAX_INT_BITS else NotImplemented
    return float.__float__(value) if isinstance(value, float) else NotImplemented


def _by_fields(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        config, names = (
            value.__struct_config__,
            zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True),
        )
        tag = {} if config.tag is None or config.tag_field is None else {config.tag_field: config.tag}
        return tag | {shown: found for name, shown in names if (found := getattr(value, name)) is not msgspec.UNSET}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names_of = [field.name for field in dataclasses.fields(value)]
    elif (attributes := getattr(type(value), "__attrs_attrs__", None)) is not None:
        names_of = [attribute.name for attribute in attributes]
    else:
        return NotImplemented
    return {name: getattr(value, name) for name in names_of if hasattr(value, name)}


def _by_msgspec(value: Any) -> Any:
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    return native(value) if isinstance(value, NATIVE) else NotImplemented


def native(value: Any) -> Any:
    """The string that msgspec writes for one of `NATIVE`; also of a subclass."""
    try:
        return msgspec.to_builtins(value, str_keys=True)
    except TypeError:  # a subclass
        return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


def _by_enum(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else NotImplemented


def _by_sequence(value: Any) -> Any:
    if not isinstance(value, Sequence | Set | ValuesView) or len(value) > MAX_ITEMS:
        return NotImplemented
    return list(value)


def _by_pydantic(value: Any) -> Any:
    return value.model_dump(mode="json") if _is_instance_with(value, "model_dump") else NotImplemented


def _by_fields_of_pydantic(value: Any) -> Any:
    # For a model with a field that pydantic cannot write: the walk finds it.
    if not _is_instance_with(value, "model_dump"):
        return NotImplemented
    names = list(type(value).model_fields)
    return getattr(value, "root") if names == ["root"] else {name: getattr(value, name) for name in names}  # noqa: B009


def _by_json(value: Any) -> Any:
    return value.__json__() if _is_instance_with(value, "__json__") else NotImplemented


def _by_tolist(value: Any) -> Any:
    """Arrays and scalars of numpy, and what behaves like them."""
    if not _is_instance_with(value, "tolist"):
        return NotImplemented
    size = getattr(value, "size", None)
    count = size if isinstance(size, int) else len(value)
    listed = NotImplemented if count > MAX_ITEMS else value.tolist()
    return NotImplemented if type(listed) is type(value) else listed


def _by_text(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    return str(value) if isinstance(value, _ADDRESSES) else NotImplemented


WAYS: tuple[Callable[[Any], Any], ...] = (
    *(_by_enum, _by_fields, _by_msgspec, _by_sequence),
    *(_by_pydantic, _by_fields_of_pydantic, _by_json, _by_tolist, _by_text),
)


def _is_instance_with(value: Any, method: str) -> bool:
    """Whether the class has the method; an object with dynamic attributes does not count."""
    return not isinstance(value, type) and callable(getattr(type(value), method, None))
