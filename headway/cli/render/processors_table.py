"""A table of the processors that are alive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.table import Table

from headway.cli.render.text import duration, one_line


def processors_table(processors: Iterable[dict[str, Any]], now: float) -> Table:
    """Return a table with a row for each processor; `now` is in seconds since 1970."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("processor", overflow="fold")
    table.add_column("running", justify="right")
    table.add_column("version")
    table.add_column("age", justify="right")
    table.add_column("kinds", overflow="fold")
    for one in processors:
        table.add_row(*_row(one, now))
    return table


def _row(one: dict[str, Any], now: float) -> tuple[str, ...]:
    since = one.get("since")
    return (
        one_line(one.get("name") or one.get("id")),
        _load(one),
        one_line(one.get("version", "")),
        duration(now - since) if isinstance(since, int | float) and since else "",
        one_line(", ".join(map(str, one.get("kinds") or []))),
    )


def _load(one: dict[str, Any]) -> str:
    slots, abandoned = one.get("slots"), one.get("abandoned")
    load = f"{one.get('running', 0)} of {slots}" if slots else ""
    return f"{load}, {abandoned} not stopped" if abandoned else load
