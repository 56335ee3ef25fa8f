"""Results as tables: selected fields for the bundled kinds, all fields for others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from headway.cli.render.text import count, digits, one_line, plain
from headway.values import exact_json

FIELDS: dict[str, tuple[str, ...]] = {
    "crawl": (
        *("start", "pages", "requests", "bytes", "seconds", "pages_per_second", "words"),
        *("median_page_bytes", "median_page_seconds", "statuses", "depths", "broken_count", "duplicate_titles_count"),
        *("broken", "largest", "slowest", "most_linked", "top_words"),
    ),
    "cluster": (
        *("source", "texts", "skipped_empty", "skipped_without_terms", "cut", "terms", "k", "silhouette", "seconds"),
        *("clusters", "scores"),
    ),
    "generate": ("model", "finish_reason", "chars", "usage", "seconds", "first_token_seconds", "tool_calls"),
    "bulk": ("source", "bytes", "encoding", "rows", "bad_rows", "seconds", "rows_per_second", "columns", "bad"),
}
"""Fields of a result to show, in this order; all fields for other kinds."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "columns": ("name", "type", "values", "nulls", "distinct", "min", "max", "mean", "top"),
    "clusters": ("cluster", "size", "share", "silhouette", "terms"),
}
"""Fields to show of a list of objects; all fields for other lists."""

VALUES = {"largest": "bytes", "slowest": "seconds", "most_linked": "links from"}
"""Title of the column `value` of a list."""

MAX_ROWS = 10
MAX_LINES = 40
ALL_ROWS = ("columns", "clusters")
MAX_COLUMNS = 9
MAX_CHARS = 48
SHORT_CHARS = 12


def result_tables(kind: str, result: Any) -> list[RenderableType]:
    """Return a table of the plain fields of `result` and one for each list of objects; anything else as JSON text."""
    if result is None:
        return []
    if _is_rows(result):
        return [_rows("rows", result)]
    if not isinstance(result, dict):
        return [Text(plain(result) if isinstance(result, str) else _json(result))]
    return _object_tables(
        {name: result[name] for name in FIELDS.get(kind, result) if name in result}, _warnings(result)
    )


def _object_tables(fields: dict[str, Any], warnings: list[str]) -> list[RenderableType]:
    tables: list[RenderableType] = []
    if warnings:
        tables.append(Text("\n".join(f"! {one_line(warning)}" for warning in warnings), style="yellow"))
        fields = {name: value for name, value in fields.items() if name != "warnings"}
    lists = {name: value for name, value in fields.items() if _is_rows(value)}
    values = {name: value for name, value in fields.items() if name not in lists and value not in (None, [], {})}
    if values:
        tables.append(_values_table(values))
    return tables + [_rows(name, rows) for name, rows in lists.items()]


def _warnings(result: dict[str, Any]) -> list[str]:
    """Return the field `warnings` if it is a list of strings. It is shown first for every kind."""
    found = result.get("warnings")
    return found if isinstance(found, list) and all(isinstance(one, str) for one in found) else []


def _json(value: Any) -> str:
    """Format a value that is not an object as JSON."""
    lines = msgspec.json.format(exact_json.encode(value), indent=2).decode().split("\n")
    more = len(lines) - MAX_LINES
    return "\n".join(
        [*lines[:MAX_LINES], *([f"… {more:,} more lines: `headway result` prints all"] if more > 0 else [])]
    )


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _values_table(values: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in values.items():
        table.add_row(_title(name), Text(cell(value, 200)))
    return table


def _rows(name: str, rows: list[dict[str, Any]]) -> Table:
    present = dict.fromkeys(key for row in rows[:MAX_ROWS] for key in row)
    columns = [column for column in COLUMNS.get(name, present) if column in present][:MAX_COLUMNS]
    shown = rows if name in ALL_ROWS else rows[:MAX_ROWS]
    title = _title(name) if len(shown) == len(rows) else f"{_title(name)}: {len(shown)} of {count(len(rows))}"
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        header = VALUES.get(name, column) if column == "value" else column
        _add_column(table, header, [row.get(column) for row in shown])
    for row in shown:
        table.add_row(*(Text(cell(row.get(column)), no_wrap=True, overflow="ellipsis") for column in columns))
    return table


def _add_column(table: Table, header: str, values: list[Any]) -> None:
    numeric = all(isinstance(value, int | float | Decimal) for value in values if value is not None)
    # On a narrow terminal only the cells of long columns are truncated.
    short = numeric or all(len(cell(value)) <= SHORT_CHARS for value in values)
    table.add_column(_title(header), justify="right" if numeric else "left", no_wrap=short)


def cell(value: Any, limit: int = MAX_CHARS) -> str:
    """Format a value in at most `limit` characters: the path of a URL, counted values as `word ×3`.

    >>> cell({"200": 290, "404": 3}), cell([{"value": "a", "count": 3}]), cell(1234.5678)
    ('200: 290, 404: 3', 'a ×3', '1,234.57')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, dict):
        return _cut(", ".join(f"{one_line(name)}: {cell(part)}" for name, part in value.items()), limit)
    if isinstance(value, list):
        return _cut(", ".join(_item(part) for part in value[:MAX_ROWS]), limit)
    return _cut(_path(one_line(value)) if limit == MAX_CHARS else one_line(value), limit)


def _number(value: float | Decimal) -> str:
    if isinstance(value, Decimal):
        return digits(value)
    if value == int(value):
        return count(value)
    return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"


def _item(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"value", "count"}:
        return f"{one_line(value['value'])} ×{cell(value['count'])}"
    return cell(value)


def _path(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        return text
    return urlsplit(text)._replace(scheme="", netloc="").geturl() or "/"


def _title(name: str) -> str:
    return name.replace("_", " ")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
