"""A table of dead letters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.table import Table

from headway.cli.render.text import duration, one_line


def dead_letters_table(letters: Iterable[dict[str, Any]], now: float) -> Table:
    """Return a table with a row for each dead letter; `now` is in seconds since 1970."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("id", justify="right", no_wrap=True)
    table.add_column("kind", overflow="fold")
    table.add_column("task", overflow="fold")
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for letter in letters:
        table.add_row(*_row(letter, now))
    return table


def _row(letter: dict[str, Any], now: float) -> tuple[str, ...]:
    at = float(letter.get("at") or 0)
    problem = letter.get("problem")
    reason = one_line(letter.get("reason") or "")
    return (
        one_line(letter.get("id", "")),
        one_line(letter.get("kind", "")),
        one_line(letter.get("task") or "none"),
        duration(max(now - at, 0.0)) if at else "",
        f"{reason} (cannot be resubmitted: {one_line(problem)})" if problem else reason,
    )
