"""`headway retry`: resubmit a task."""

from __future__ import annotations

from typing import Any

import click

from headway.cli.commands.submit import call_with_params, fetch_schema, print_accepted, read_json_params
from headway.cli.completions import complete_task
from headway.cli.errors import InvalidUsageError
from headway.cli.params import parse
from headway.cli.server import server_option
from headway.client import Client


@click.command()
@click.argument("task", metavar="ID", shell_complete=complete_task)
@click.argument("words", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--json-params",
    default="",
    metavar="JSON|@FILE",
    help="All parameters as one JSON object; @- reads stdin.",
)
@click.option("--resume", is_flag=True, help="Continue from the task's last checkpoint, if it has left one.")
@click.option("--watch", "watching", is_flag=True, help="Follow the new task; exit codes as for `headway watch`.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the server's response as JSON; with --watch also the events."
)
@server_option
def retry(
    task: str,
    words: tuple[str, ...],
    *,
    json_params: str,
    resume: bool,
    watching: bool,
    as_json: bool,
    server: str,
) -> None:
    """Resubmit a task.

    The new task has the same kind and parameters, but for those that are named: headway retry ID max_pages=20
    """
    if resume and (words or json_params):
        raise InvalidUsageError("a task with other parameters begins from the start: leave out --resume")
    base = read_json_params(json_params)

    async def call(client: Client) -> dict[str, Any]:
        if not words and not json_params:
            return await client.retry(task, resume=resume)
        earlier = await client.task(task)
        schema = await fetch_schema(client, str(earlier.get("kind", "")))
        return await client.retry(task, parse(words, schema, base if json_params else earlier.get("params")))

    accepted = call_with_params(server, call, "", (422,))
    print_accepted(server, accepted, as_json=as_json, watching=watching)
