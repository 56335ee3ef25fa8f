"""Text of a nats-server configuration.

https://docs.nats.io/running-a-nats-service/configuration#configuration-file
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from headway.jetstream.accounts import Literal

WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def render(config: Mapping[str, Any], indent: int = 0) -> str:
    """The lines of a block of the configuration, each ended.

    Strings are quoted, except a `Literal`, and what fits a line is one.
    """
    pad = "  " * indent
    return "".join(f"{pad}{_key(key)}: {_value(value, indent)}\n" for key, value in config.items())


def _key(key: str) -> str:
    return key if _PLAIN.fullmatch(key) else json.dumps(key)


def _value(value: Any, indent: int) -> str:
    short = _on_one_line(value)
    if len(short) + 2 * indent <= WIDTH or not isinstance(value, (Mapping, list)):
        return short
    pad = "  " * indent
    if isinstance(value, Mapping):
        return f"{{\n{render(value, indent + 1)}{pad}}}"
    return "[\n" + "".join(f"{pad}  {_value(item, indent + 1)}\n" for item in value) + f"{pad}]"


def _on_one_line(value: Any) -> str:
    match value:
        case Literal(text):
            return text
        case Mapping():
            return "{ " + ", ".join(f"{_key(key)}: {_on_one_line(item)}" for key, item in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_on_one_line, value)) + "]"
        case _:
            return json.dumps(value)
