"""A task kind and its parameters, formatted for a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headway.cli.render.text import one_line
from headway.values import exact_json


def kind_view(kind: dict[str, Any]) -> RenderableType:
    """Format a kind and its parameters; the descriptions are wrapped beside the names."""
    head = Text.assemble((one_line(kind.get("kind")), "bold"), f"  {_first_line(kind.get('description', ''))}")
    parts: list[RenderableType] = [head]
    if kind.get("processors") == 0:
        parts.append(Text("  no processor offers it now", "yellow"))
    parameters = _parameters(kind.get("params") or {})
    if parameters.row_count:
        parts.append(parameters)
    return Group(*parts, Text())


def _parameters(schema: dict[str, Any]) -> Table:
    required = schema.get("required", [])
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="fold")
    table.add_column()
    for name, value in (schema.get("properties") or {}).items():
        part = _as_object(value)
        default = "required" if name in required else f"default {one_line(_json(part.get('default')))}"
        description = (f"  {_first_line(part.get('description', ''))}", "dim")
        table.add_row(Text(f"  {one_line(name)}", "cyan"), Text.assemble(f"{_type(part)}, {default}", description))
    return table


def _as_object(schema: Any) -> dict[str, Any]:
    """`schema` as an object: JSON Schema also allows `true` for any value and `false` for none."""
    return schema if isinstance(schema, dict) else {"type": "any" if schema else "none"}


def _type(part: dict[str, Any]) -> str:
    if "anyOf" in part:
        return " or ".join(_type(_as_object(option)) for option in part["anyOf"])
    if "enum" in part:
        return " | ".join(
            one_line(value if value and isinstance(value, str) else _json(value)) for value in part["enum"]
        )
    if "$ref" in part:
        return one_line(str(part["$ref"]).rpartition("/")[2])
    named = part.get("type", "any")
    return one_line(named if isinstance(named, str) else " or ".join(map(str, named)))


def _first_line(text: object) -> str:
    lines = str(text).strip().splitlines()
    return one_line(lines[0]) if lines else ""


def _json(value: Any) -> str:
    return exact_json.encode(value).decode()
