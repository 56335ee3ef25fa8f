"""`headway cancel`."""

from __future__ import annotations

import click

from headway.cli.completions import complete_task
from headway.cli.group import ask, command_line, server_option
from headway.cli.render.terminal import print_json
from headway.values import exact_json


@click.command()
@click.argument("task", metavar="ID", shell_complete=complete_task)
@click.option("--reason", default="", help="Shown to whoever watches.")
@click.option("--json", "as_json", is_flag=True, help="The server's answer as JSON.")
@server_option
def cancel(task: str, *, reason: str, as_json: bool, server: str) -> None:
    """Ask for a task to end."""
    answer = ask(server, lambda client: client.cancel(task, reason))
    if as_json:
        print_json(exact_json.encode(answer).decode())
        return
    click.echo(f"{task}  {answer.get('status', 'cancelling')}")
    click.echo(f"  {command_line(server, 'watch', task)}")
