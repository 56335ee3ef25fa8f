"""`headway logs`: the log lines of a task, so far or to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Any

import click
from rich.text import Text

from headway.cli.completions import complete_task
from headway.cli.group import ask, server_option
from headway.cli.render.bars import log_line
from headway.cli.render.terminal import console, print_json
from headway.client import Client
from headway.client.event_stream import Watched

LEVELS = ("debug", "info", "warning", "error")
QUIET_SECONDS = 5.0
"""Without --follow the lines end with the log; also when it brings nothing for this long, whatever its cursor says."""
INTERRUPTED = 130


@click.command()
@click.argument("task", metavar="ID", shell_complete=complete_task)
@click.option("-f", "--follow", is_flag=True, help="Go on until the task has ended.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", show_default=True, help="This level and above.")
@click.option("--json", "as_json", is_flag=True, help="The data of each log event, one per line.")
@server_option
def logs(task: str, *, follow: bool, level: str, as_json: bool, server: str) -> None:
    """Print the log lines of a task: those it has written so far, or with --follow all to its end."""
    try:
        ask(server, lambda client: _print(client, task, follow=follow, level=level, as_json=as_json))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


async def _print(client: Client, task: str, *, follow: bool, level: str, as_json: bool) -> None:
    end = str((await client.task(task)).get("cursor", ""))
    out, shown = console(), LEVELS[LEVELS.index(level) :]
    if not end and not follow:
        return
    async with aclosing(events(client, task, "" if follow else end)) as seen:
        async for watched in seen:
            if watched.event == "reset":
                click.echo("earlier lines are not kept any more", err=True)
            if watched.event != "log" or watched.data.get("level", "info") not in shown:
                continue
            if as_json:
                print_json(watched.raw)
            else:
                out.print(line(watched.data))


async def events(client: Client, task: str, end: str) -> AsyncGenerator[Watched, None]:
    """The events of `task`: all to its end, or up to the one with the cursor `end`."""
    # Not merged: a tick that is merged with a later one would never show the cursor of the end.
    watching = client.watch(task, merge=False)
    async with aclosing(watching):
        while True:
            try:
                async with asyncio.timeout(QUIET_SECONDS if end else None):
                    watched = await anext(watching, None)
            except TimeoutError:
                return
            if watched is None:
                return
            yield watched
            if end and watched.cursor == end:
                return


def line(data: dict[str, Any]) -> Text:
    """A log event with its time here."""
    at = data.get("at")
    time = datetime.fromtimestamp(float(at)).astimezone().strftime("%H:%M:%S  ") if at else ""
    return Text.assemble((time, "dim"), log_line(data))
