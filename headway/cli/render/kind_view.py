"""A task kind with its parameters."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headway.cli.render.text import one_line
from headway.values import exact_json


def kind_view(kind: dict[str, Any]) -> RenderableType:
    """A kind with its parameters, their explanations wrapped beside their names."""
    schema = kind.get("params") or {}
    required = schema.get("required", [])
    name = one_line(kind.get("kind"))
    parameters = Table.grid(padding=(0, 2))
    parameters.add_column(no_wrap=True, overflow="fold")
    parameters.add_column()
    for param, part in (schema.get("properties") or {}).items():
        default = "required" if param in required else f"default {one_line(_json(part.get('default')))}"
        about = Text.assemble(f"{_type(part)}, {default}", (f"  {_first_line(part.get('description', ''))}", "dim"))
        parameters.add_row(Text(f"  {one_line(param)}", "cyan"), about)
    head = Text.assemble((name, "bold"), f"  {_first_line(kind.get('description', ''))}")
    parts: list[RenderableType] = [head]
    if kind.get("processors") == 0:
        parts.append(Text("  no processor offers it now", "yellow"))
    if parameters.row_count:
        parts.append(parameters)
    return Group(*parts, Text())


def _type(part: dict[str, Any]) -> str:
    if "anyOf" in part:
        return " or ".join(_type(option) for option in part["anyOf"])
    if "enum" in part:
        return " | ".join(
            one_line(value if value and isinstance(value, str) else _json(value)) for value in part["enum"]
        )
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    named = part.get("type", "any")
    return one_line(named if isinstance(named, str) else " or ".join(map(str, named)))


def _first_line(text: object) -> str:
    lines = str(text).strip().splitlines()
    return one_line(lines[0]) if lines else ""


def _json(value: Any) -> str:
    return exact_json.encode(value).decode()
