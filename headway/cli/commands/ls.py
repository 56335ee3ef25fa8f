"""`headway ls`: list recent tasks."""

from __future__ import annotations

import time

import click

from headway.cli.completions import complete_kind
from headway.cli.render.tasks_table import tasks_table
from headway.cli.render.terminal import make_console, print_json_lines
from headway.cli.render.text import suggestion
from headway.cli.server import call_server, server_option
from headway.client import Client
from headway.events import TERMINAL

STATUSES = ("queued", "processing", "retrying", *sorted(TERMINAL))


@click.command()
@click.option("--kind", default="", help="List only tasks of this kind.", shell_complete=complete_kind)
@click.option("--status", type=click.Choice(STATUSES), default=None, help="List only tasks with this status.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="Maximum number of tasks.")
@click.option("--json", "as_json", is_flag=True, help="Print one task per line as JSON.")
@server_option
def ls(*, kind: str, status: str | None, limit: int, as_json: bool, server: str) -> None:
    """List recent tasks."""
    tasks = call_server(server, lambda client: client.tasks(kind=kind, status=status or "", limit=limit))
    if as_json:
        print_json_lines(tasks)
    elif tasks:
        out = make_console()
        out.print(tasks_table(tasks, time.time(), out.width))
    elif kind and (hint := call_server(server, lambda client: _unknown_kind_hint(client, kind))):
        click.echo(f"No tasks. Kind {kind!r} is unknown; {hint}")
    else:
        click.echo("No tasks. Run one with `headway submit KIND`; `headway kinds` lists the kinds.")


async def _unknown_kind_hint(client: Client, kind: str) -> str:
    """Return a suggestion for an unknown kind; an empty string for a known one."""
    names = [str(found.get("kind")) for found in await client.kinds()]
    return "" if kind in names or not names else suggestion(kind, names)
