"""`headway ls`: list tasks."""

from __future__ import annotations

import time
from typing import Any

import click

from headway.cli.completions import complete_kind
from headway.cli.moment import Moment
from headway.cli.render.tasks_table import tasks_table
from headway.cli.render.terminal import make_console, print_json_lines
from headway.cli.render.text import suggestion
from headway.cli.server import call_server, server_option
from headway.client import Client
from headway.events import TERMINAL

STATUSES = ("queued", "processing", "retrying", *sorted(TERMINAL))


@click.command()
@click.option("--status", multiple=True, type=click.Choice(STATUSES), help="Only tasks with this status.")
@click.option("--kind", multiple=True, help="Only tasks of this kind.", shell_complete=complete_kind)
@click.option("--tag", multiple=True, help="Only tasks with this tag; with several, those that have all of them.")
@click.option("--text", default="", help="Only tasks with this text in the title, kind, id or a tag.")
@click.option("--owner", default="", help="Only tasks of this owner; others than your own need tasks:all.")
@click.option("--parent", default="", metavar="ID", help="Only the parts of this task.")
@click.option("--since", type=Moment(), default=None, help="Only tasks since then: 30m, 2h, 7d, or 2026-11-27T14:00.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Maximum number of tasks.")
@click.option("--all", "every", is_flag=True, help="All tasks that match, whatever the limit.")
@click.option("--json", "as_json", is_flag=True, help="Print one task per line as JSON.")
@server_option
def ls(*, limit: int, every: bool, as_json: bool, server: str, **filters: Any) -> None:
    """List tasks, the newest first.

    --status, --kind and --tag may be repeated, for example: headway ls --status error --status cancelled --since 2h
    """
    tasks = call_server(server, lambda client: _found(client, None if every else limit, filters))
    kinds = filters["kind"]
    if as_json:
        print_json_lines(tasks)
    elif tasks:
        out = make_console()
        out.print(tasks_table(tasks, time.time(), out.width))
    elif kinds and (hint := call_server(server, lambda client: _unknown_kind_hint(client, kinds))):
        click.echo(f"No tasks. {hint}")
    elif any(filters.values()):
        click.echo("No tasks match.")
    else:
        click.echo("No tasks. Run one with `headway submit KIND`; `headway kinds` lists the kinds.")


async def _found(client: Client, most: int | None, filters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tasks that match, at most `most`."""
    since = filters["since"] or 0.0
    if most is None:
        return [task async for task in client.all_tasks(**filters | {"since": since})]
    return await client.tasks(**filters | {"since": since, "limit": most})


async def _unknown_kind_hint(client: Client, kinds: tuple[str, ...]) -> str:
    """Return a suggestion for the first unknown kind; an empty string if all are known."""
    names = [str(found.get("kind")) for found in await client.kinds()]
    unknown = [kind for kind in kinds if kind not in names] if names else []
    return f"Kind {unknown[0]!r} is unknown; {suggestion(unknown[0], names)}" if unknown else ""
