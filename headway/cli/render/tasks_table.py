"""A table of tasks that fits the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from headway.cli.render.bars import STYLES, Bar
from headway.cli.render.text import duration, one_line, percent

COLUMNS = ("task", "title", "kind", "status", "progress", "age", "message")
DROP_ORDER = ("age", "message", "progress", "kind", "title", "status")
"""Columns to drop on a narrow terminal, in this order. The id is always shown."""
NARROWED = {"title": 12, "message": 12}
"""Columns that are narrowed before others are dropped, and how many cells they keep."""
GAP = 3


def tasks_table(tasks: Iterable[dict[str, Any]], now: float, width: int) -> Table:
    """Return a table with a row for each task, in `width` cells; `now` is in seconds since 1970.

    Ids are never truncated; other columns are narrowed or dropped.
    """
    rows = [_safe_row(task, now) for task in tasks]
    natural = {name: _natural_width(name, [row[name] for row in rows]) for name in COLUMNS}
    kept = _kept(natural, width)
    widths = _widths(natural, kept, width)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in kept:
        _add_column(table, name, min(widths[name], width))
    for row in rows:
        table.add_row(*(row[name] for name in kept))
    return table


def _add_column(table: Table, name: str, width: int) -> None:
    is_id = name == "task"
    table.add_column(
        name,
        justify="right" if name in ("progress", "age") else "left",
        no_wrap=not is_id,
        overflow="fold" if is_id else "ellipsis",
        width=width,
    )


def _safe_row(task: dict[str, Any], now: float) -> dict[str, Text]:
    """Return the row of a task. A malformed task gets a row that says so, and does not prevent the others."""
    try:
        return _row(task, now)
    except (AttributeError, TypeError, ValueError, OverflowError):
        row = dict.fromkeys(COLUMNS, Text(""))
        return row | {"task": Text(one_line(str(task.get("task", "")))), "status": Text("not readable", "red")}


def _row(task: dict[str, Any], now: float) -> dict[str, Text]:
    bar = Bar(str(task.get("task", "")))
    bar.state = task.get("state") or {}
    status = bar.status or "queued"
    step = "" if bar.ended else one_line(bar.state.get("step", ""))
    count = bar.count() if bar.unit == "parts" else ""  # what marks a task that has parts
    return {
        "task": Text(one_line(bar.task)),
        "title": Text(one_line(task.get("title", ""))),
        "kind": Text(one_line(task.get("kind", ""))),
        "status": Text(one_line(status), STYLES.get(status, "cyan")),
        "progress": Text(percent(bar.progress)),
        "age": Text(duration(now - float(task.get("created", now)))),
        "message": Text(": ".join(part for part in (count, step, bar.message()) if part)),
    }


def _natural_width(name: str, cells: list[Text]) -> int:
    """Return the cells that a column needs; 0 for titles where no task has one."""
    widest = max((cell_len(text.plain) for text in cells), default=0)
    return max(widest, len(name)) if widest or name != "title" else 0


def _widths(natural: dict[str, int], kept: list[str], width: int) -> dict[str, int]:
    """Return the cells of each column that is kept: those that may be narrowed share what the others leave."""
    widths = {name: natural[name] for name in kept}
    narrowed = [name for name in NARROWED if name in kept]
    rest = width - sum(widths[name] + GAP for name in kept if name not in narrowed) - GAP * (len(narrowed) - 1)
    for place, name in enumerate(narrowed):
        later = sum(min(natural[other], NARROWED[other]) for other in narrowed[place + 1 :])
        widths[name] = min(natural[name], rest - later)
        rest -= widths[name]
    return widths


def _kept(natural: dict[str, int], width: int) -> list[str]:
    """Return the columns that fit in `width` cells."""
    kept = [name for name in COLUMNS if natural[name]]
    needed = natural | {name: min(natural[name], least) for name, least in NARROWED.items()}
    for name in DROP_ORDER:
        if name in kept and sum(needed[column] + GAP for column in kept) - GAP > width:
            kept.remove(name)
    return kept
