"""`headway delete`: delete tasks that have ended, with all that is stored of them."""

from __future__ import annotations

from contextlib import aclosing

import click

from headway.cli.completions import complete_task
from headway.cli.errors import CommandError, InvalidUsageError
from headway.cli.server import call_server, command_line, server_option
from headway.client import Client
from headway.errors import ClientError

NOT_ENDED = 409


@click.command()
@click.argument("tasks", metavar="[ID]...", nargs=-1, shell_complete=complete_task)
@click.option("--owner", default="", help="Delete all tasks of this owner; others than your own need tasks:all.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@server_option
def delete(tasks: tuple[str, ...], *, owner: str, yes: bool, server: str) -> None:
    """Delete tasks that have ended, with all that is stored of them.

    The exit code is 1 when a task is left because it has not ended: cancel it first.
    """
    if bool(tasks) == bool(owner):
        raise InvalidUsageError("name tasks, or an owner with --owner")
    chosen = tasks or call_server(server, lambda client: _tasks_of(client, owner))
    if not chosen:
        click.echo(f"No tasks of {owner}.")
        return
    count = f"{len(chosen)} tasks" if len(chosen) > 1 else f"the task {chosen[0]}"
    if not yes:
        click.confirm(f"Delete {count} with parameters, output and result?", abort=True, err=True)
    left = call_server(server, lambda client: _delete(client, chosen))
    if left:
        shown = command_line(server, "cancel", left[0])
        raise CommandError(f"{len(left)} of {count} have not ended; cancel them first, such as: {shown}")


async def _tasks_of(client: Client, owner: str) -> tuple[str, ...]:
    async with aclosing(client.all_tasks(owner=owner)) as found:
        return tuple([str(task["task"]) async for task in found])


async def _delete(client: Client, tasks: tuple[str, ...]) -> list[str]:
    """Delete the tasks. Return those that have not ended."""
    left = []
    for task in tasks:
        try:
            await client.delete(task)
        except ClientError as error:
            if error.status != NOT_ENDED:
                raise
            left.append(task)
        else:
            click.echo(f"{task}  deleted")
    return left
