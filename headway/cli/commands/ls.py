"""`headway ls`."""

from __future__ import annotations

import time

import click

from headway.cli.completions import complete_kind
from headway.cli.group import ask, server_option
from headway.cli.render.tasks_table import tasks_table
from headway.cli.render.terminal import console, print_json_lines
from headway.cli.render.text import suggestion
from headway.client import Client
from headway.events import TERMINAL

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
        print_json_lines(tasks)
    elif tasks:
        out = console()
        out.print(tasks_table(tasks, time.time(), out.width))
    elif kind and (hint := ask(server, lambda client: _hint(client, kind))):
        click.echo(f"No tasks. Kind {kind!r} is unknown; {hint}")
    else:
        click.echo("No tasks. Run one with `headway submit KIND`; `headway kinds` shows what there is.")


async def _hint(client: Client, kind: str) -> str:
    """What may have been meant by a kind that there is not; empty when there is."""
    known = [str(found.get("kind")) for found in await client.kinds()]
    return "" if kind in known or not known else suggestion(kind, known)
