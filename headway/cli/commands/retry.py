"""`headway retry`: resubmit a task."""

from __future__ import annotations

import click

from headway.cli.commands.submit import print_accepted
from headway.cli.completions import complete_task
from headway.cli.server import call_server, server_option


@click.command()
@click.argument("task", metavar="ID", shell_complete=complete_task)
@click.option("--watch", "watching", is_flag=True, help="Follow the new task; exit codes as for `headway watch`.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the server's response as JSON; with --watch also the events."
)
@server_option
def retry(task: str, *, watching: bool, as_json: bool, server: str) -> None:
    """Resubmit a task.

    The new task has the same kind and parameters.
    """
    accepted = call_server(server, lambda client: client.retry(task))
    print_accepted(server, accepted, as_json=as_json, watching=watching)
