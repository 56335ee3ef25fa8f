"""`headway retry`."""

from __future__ import annotations

import click

from headway.cli.commands.submit import print_accepted
from headway.cli.completions import complete_task
from headway.cli.group import ask, server_option


@click.command()
@click.argument("task", metavar="ID", shell_complete=complete_task)
@click.option("--watch", "watching", is_flag=True, help="Follow the new task; exit codes as of `headway watch`.")
@click.option("--json", "as_json", is_flag=True, help="The server's answer as JSON; with --watch the events too.")
@server_option
def retry(task: str, *, watching: bool, as_json: bool, server: str) -> None:
    """Run the same again as a new task."""
    print_accepted(server, ask(server, lambda client: client.retry(task)), as_json=as_json, watching=watching)
