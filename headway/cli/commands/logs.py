"""`headway logs`: print the log events of a task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Any

import click
from rich.text import Text

from headway.cli.completions import complete_task
from headway.cli.render.bars import log_line
from headway.cli.render.terminal import make_console, print_json
from headway.cli.server import call_server, server_option
from headway.client import Client
from headway.client.event_stream import Watched

LEVELS = ("debug", "info", "warning", "error")
IDLE_TIMEOUT_SECONDS = 5.0
"""Without --follow reading ends at the task's last cursor, or when no event arrives for this long."""
INTERRUPTED = 130


@click.command()
@click.argument("task", metavar="ID", shell_complete=complete_task)
@click.option("-f", "--follow", is_flag=True, help="Continue until the task has ended.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", show_default=True, help="Lowest level to print.")
@click.option("--json", "as_json", is_flag=True, help="Print the data of each log event, one per line.")
@server_option
def logs(task: str, *, follow: bool, level: str, as_json: bool, server: str) -> None:
    """Print the log events of a task: those so far, or with --follow all until it ends."""
    try:
        call_server(server, lambda client: _print_logs(client, task, follow=follow, level=level, as_json=as_json))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


async def _print_logs(client: Client, task: str, *, follow: bool, level: str, as_json: bool) -> None:
    end = str((await client.task(task)).get("cursor", ""))
    out, printed_levels = make_console(), LEVELS[LEVELS.index(level) :]
    if not end and not follow:
        return
    async with aclosing(read_events(client, task, "" if follow else end)) as events:
        async for watched in events:
            if watched.event == "reset":
                click.echo("earlier log events are no longer kept", err=True)
            if watched.event != "log" or watched.data.get("level", "info") not in printed_levels:
                continue
            if as_json:
                print_json(watched.raw)
            else:
                out.print(timed_log_line(watched.data))


async def read_events(client: Client, task: str, end: str) -> AsyncGenerator[Watched, None]:
    """Yield the events of `task`: all until it ends, or up to the one whose cursor is `end`."""
    # Not merged: an event merged with a later one would never carry the cursor `end`.
    watching = client.watch(task, merge=False)
    async with aclosing(watching):
        while True:
            try:
                async with asyncio.timeout(IDLE_TIMEOUT_SECONDS if end else None):
                    watched = await anext(watching, None)
            except TimeoutError:
                return
            if watched is None:
                return
            yield watched
            if end and watched.cursor == end:
                return


def timed_log_line(data: dict[str, Any]) -> Text:
    """Format a log event with its local time."""
    at = data.get("at")
    time = datetime.fromtimestamp(float(at)).astimezone().strftime("%H:%M:%S  ") if at else ""
    return Text.assemble((time, "dim"), log_line(data))
