"""`headway cancel`: request the cancellation of a task."""

from __future__ import annotations

import click

from headway.cli.completions import complete_task
from headway.cli.render.terminal import print_json_value
from headway.cli.server import call_server, command_line, server_option


@click.command()
@click.argument("task", metavar="ID", shell_complete=complete_task)
@click.option("--reason", default="", help="Reason to show to the task's watchers.")
@click.option("--json", "as_json", is_flag=True, help="Print the server's response as JSON.")
@server_option
def cancel(task: str, *, reason: str, as_json: bool, server: str) -> None:
    """Request the cancellation of a task."""
    response = call_server(server, lambda client: client.cancel(task, reason))
    if as_json:
        print_json_value(response)
        return
    click.echo(f"{task}  {response.get('status', 'cancelling')}")
    click.echo(f"  {command_line(server, 'watch', task)}")
