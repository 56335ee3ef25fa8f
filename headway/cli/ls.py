"""`headway ls` and `headway kinds`: what runs, and what can be run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import click
from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headway.cli.bars import STYLES, Bar
from headway.cli.completions import complete_kind
from headway.cli.group import Misuse, ask, server_option
from headway.cli.terminal import console, print_json
from headway.cli.text import duration, one_line, percent, suggestion
from headway.client import Client
from headway.events import TERMINAL
from headway.values import exact_json

COLUMNS = ("task", "kind", "status", "progress", "age", "message")
DROPPED_FIRST = ("age", "message", "progress", "kind", "status")
"""On a narrow terminal; the id never."""
MIN_MESSAGE = 12
GAP = 3
STATUSES = ("queued", "processing", "retrying", *sorted(TERMINAL))


@click.command()
@click.option("--kind", default="", help="Only of this kind.", shell_complete=complete_kind)
@click.option("--status", type=click.Choice(STATUSES), default=None, help="Only with this status.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One task per line.")
@server_option
def ls(*, kind: str, status: str | None, limit: int, as_json: bool, server: str) -> None:
    """The newest tasks."""
    tasks = ask(server, lambda client: client.tasks(kind=kind, status=status or "", limit=limit))
    if as_json:
        _print_lines(tasks)
    elif tasks:
        out = console()
        out.print(tasks_table(tasks, time.time(), out.width))
    elif kind and (hint := ask(server, lambda client: _hint(client, kind))):
        click.echo(f"No tasks. Kind {kind!r} is unknown; {hint}")
    else:
        click.echo("No tasks. Run one with `headway submit KIND`; `headway kinds` shows what there is.")


@click.command()
@click.argument("names", nargs=-1, metavar="[KIND]...", shell_complete=complete_kind)
@click.option("--json", "as_json", is_flag=True, help="One kind per line, with its JSON Schema.")
@server_option
def kinds(names: tuple[str, ...], *, as_json: bool, server: str) -> None:
    """What can be run, with the parameters."""
    found = ask(server, lambda client: client.kinds())
    unknown = sorted(set(names) - {str(kind.get("kind")) for kind in found})
    if unknown:
        hint = suggestion(unknown[0], (str(kind.get("kind")) for kind in found))
        raise Misuse(f"kind {unknown[0]!r} is unknown; {hint}")
    wanted = [kind for kind in found if not names or kind.get("kind") in names]
    if as_json:
        _print_lines(wanted)
    elif wanted:
        for kind in wanted:
            console().print(kind_view(kind))
    else:
        click.echo("No kinds: is a processor running? `headway dev` starts one.")


def tasks_table(tasks: Iterable[dict[str, Any]], now: float, width: int) -> Table:
    """A row per task in `width` cells; `now` is seconds since 1970. Ids stay whole, other columns give way."""
    rows = [_readable_row(task, now) for task in tasks]
    natural = {
        name: max(cell_len(text.plain) for text in (Text(name), *(row[name] for row in rows))) for name in COLUMNS
    }
    kept = _kept(natural, width)
    rest = width - sum(natural[name] + GAP for name in kept if name != "message")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in kept:
        wide = min(rest, natural[name]) if name == "message" else natural[name]
        right, whole = name in ("progress", "age"), name == "task"
        table.add_column(
            name,
            justify="right" if right else "left",
            no_wrap=not whole,
            overflow="fold" if whole else "ellipsis",
            width=min(wide, width),
        )
    for row in rows:
        table.add_row(*(row[name] for name in kept))
    return table


def _readable_row(task: dict[str, Any], now: float) -> dict[str, Text]:
    """The row of a task; one that cannot be shown takes no other one with it."""
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
    return {
        "task": Text(one_line(bar.task)),
        "kind": Text(one_line(task.get("kind", ""))),
        "status": Text(one_line(status), STYLES.get(status, "cyan")),
        "progress": Text(percent(bar.progress)),
        "age": Text(duration(now - float(task.get("created", now)))),
        "message": Text(": ".join(part for part in (step, bar.message()) if part)),
    }


def _kept(natural: dict[str, int], width: int) -> list[str]:
    """The columns for which there is room."""
    kept = list(COLUMNS)
    needed = natural | {"message": min(natural["message"], MIN_MESSAGE)}
    for name in DROPPED_FIRST:
        if sum(needed[column] + GAP for column in kept) - GAP > width:
            kept.remove(name)
    return kept


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


def _print_lines(values: Iterable[dict[str, Any]]) -> None:
    for value in values:
        print_json(_json(value))


async def _hint(client: Client, kind: str) -> str:
    """What may have been meant by a kind that there is not; empty when there is."""
    known = [str(found.get("kind")) for found in await client.kinds()]
    return "" if kind in known or not known else suggestion(kind, known)
