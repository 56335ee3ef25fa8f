"""`headway ls` and `headway kinds`: what runs, and what can be run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from headway.cli.bars import STYLES, Bar
from headway.cli.group import Misuse, ask, server_option
from headway.cli.terminal import console
from headway.cli.text import duration, one_line, percent
from headway.events import TERMINAL

STATUSES = ("queued", "processing", "retrying", *sorted(TERMINAL))


@click.command()
@click.option("--kind", default="", help="Only of this kind.")
@click.option("--status", type=click.Choice(STATUSES), default=None, help="Only with this status.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One task per line.")
@server_option
def ls(*, kind: str, status: str | None, limit: int, as_json: bool, server: str) -> None:
    """The newest tasks."""
    tasks = ask(server, lambda client: client.tasks(kind=kind, status=status or "", limit=limit))
    if as_json:
        _echo_lines(tasks)
    elif tasks:
        console().print(tasks_table(tasks, time.time()))
    else:
        click.echo("No tasks. Run one with `headway submit KIND`; `headway kinds` shows what there is.")


@click.command()
@click.argument("names", nargs=-1, metavar="[KIND]...")
@click.option("--json", "as_json", is_flag=True, help="One kind per line, with its JSON Schema.")
@server_option
def kinds(names: tuple[str, ...], *, as_json: bool, server: str) -> None:
    """What can be run, with the parameters."""
    found = ask(server, lambda client: client.kinds())
    unknown = sorted(set(names) - {str(kind.get("kind")) for kind in found})
    if unknown:
        raise Misuse(f"kind {unknown[0]!r} is unknown; `headway kinds` lists all")
    wanted = [kind for kind in found if not names or kind.get("kind") in names]
    if as_json:
        _echo_lines(wanted)
    elif wanted:
        for kind in wanted:
            console().print(kind_text(kind))
    else:
        click.echo("No kinds: is a processor running? `headway dev` starts one.")


def tasks_table(tasks: Iterable[dict[str, Any]], now: float) -> Table:
    """A row per task; `now` is seconds since 1970."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("task", "kind", "status", "progress", "age", "message"):
        table.add_column(name, justify="right" if name in ("progress", "age") else "left", no_wrap=name != "message")
    for task in tasks:
        bar = Bar(str(task.get("task", "")))
        bar.state = task.get("state") or {}
        status = bar.status or "queued"
        step = "" if bar.ended else one_line(bar.state.get("step", ""))
        table.add_row(
            bar.task,
            one_line(task.get("kind", "")),
            Text(status, STYLES.get(status, "cyan")),
            percent(float(bar.state.get("progress", 0))),
            duration(now - float(task.get("created", now))),
            Text(": ".join(part for part in (step, bar.message()) if part)),
        )
    return table


def kind_text(kind: dict[str, Any]) -> Text:
    """A kind with a line per parameter."""
    schema = kind.get("params") or {}
    required = schema.get("required", [])
    text = Text.assemble((str(kind.get("kind")), "bold"), f"  {_first_line(kind.get('description', ''))}\n")
    for name, part in (schema.get("properties") or {}).items():
        default = "required" if name in required else f"default {json.dumps(part.get('default'))}"
        text.append(f"  {name}", "cyan")
        text.append(f"  {_type(part)}, {default}")
        text.append(f"  {_first_line(part.get('description', ''))}\n", "dim")
    return text


def _type(part: dict[str, Any]) -> str:
    if "anyOf" in part:
        return " or ".join(_type(option) for option in part["anyOf"])
    if "enum" in part:
        return " | ".join(map(str, part["enum"]))
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    return str(part.get("type", "any"))


def _first_line(text: object) -> str:
    lines = str(text).strip().splitlines()
    return one_line(lines[0]) if lines else ""


def _echo_lines(values: Iterable[dict[str, Any]]) -> None:
    for value in values:
        click.echo(json.dumps(value))
