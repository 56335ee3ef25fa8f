"""`headway dead-letters`: list, show, resubmit and drop the jobs that were given up."""

from __future__ import annotations

import time
from typing import Any

import click

from headway.cli.commands.submit import call_with_params, fetch_schema, print_accepted, read_json_params
from headway.cli.completions import complete_kind
from headway.cli.errors import CommandError
from headway.cli.params import parse
from headway.cli.render.dead_letters_table import dead_letters_table
from headway.cli.render.terminal import make_console, print_json_lines, print_json_value
from headway.cli.server import call_server, command_line, server_option
from headway.client import Client
from headway.errors import ClientError

MAX_LISTED = 10_000
NOT_FOUND = 404


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show, resubmit and drop dead letters: the jobs that were given up."""


@dead_letters.command("ls")
@click.option("--kind", default="", help="Only of this kind.", shell_complete=complete_kind)
@click.option("-n", "--limit", type=click.IntRange(1, MAX_LISTED), default=50, show_default=True, help="At most.")
@click.option("--json", "as_json", is_flag=True, help="Print one dead letter per line as JSON.")
@server_option
def list_letters(*, kind: str, limit: int, as_json: bool, server: str) -> None:
    """List dead letters, the oldest first."""
    found, more = call_server(server, lambda client: _list(client, kind, limit))
    if as_json:
        print_json_lines(found)
    elif found:
        make_console().print(dead_letters_table(found, time.time()))
    else:
        click.echo("No dead letters.")
    if more:
        click.echo(f"There are more: --limit {min(limit * 10, MAX_LISTED)}", err=True)


@dead_letters.command("show")
@click.argument("id")
@server_option
def show(id: str, *, server: str) -> None:
    """Print a dead letter as JSON: its reason and parameters, or the message itself if it is not a job."""
    print_json_value(call_server(server, lambda client: client.dead_letter(id)))


@dead_letters.command("resubmit")
@click.argument("id")
@click.argument("words", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--json-params", default="", metavar="JSON|@FILE", help="All parameters; @- reads standard input.")
@click.option("--key", default=None, help="Idempotency key. Another one runs the same letter once more.")
@click.option("--watch", "watching", is_flag=True, help="Follow the new task; exit codes as for `headway watch`.")
@click.option("--json", "as_json", is_flag=True, help="Print the server's response as JSON.")
@server_option
def resubmit(
    id: str,
    words: tuple[str, ...],
    *,
    json_params: str,
    key: str | None,
    watching: bool,
    as_json: bool,
    server: str,
) -> None:
    """Submit the job of a dead letter as a new task, with the parameters NAME changed to VALUE.

    Repeated with the same parameters it finds the same task again. The dead letter stays until it is dropped.
    """
    base = read_json_params(json_params)

    async def call(client: Client) -> dict[str, Any]:
        return await client.resubmit(id, await _params(client, id, words, base), key)

    accepted = call_with_params(server, call, "", (422,))
    print_accepted(server, accepted, as_json=as_json, watching=watching)


@dead_letters.command("drop")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@server_option
def drop(ids: tuple[str, ...], *, yes: bool, server: str) -> None:
    """Drop dead letters. Their tasks stay; `headway delete` removes both."""
    count = f"{len(ids)} dead letters" if len(ids) > 1 else f"the dead letter {ids[0]}"
    if not yes:
        click.confirm(f"Drop {count} for all time?", abort=True, err=True)
    missing = call_server(server, lambda client: _drop(client, ids))
    if missing:
        listing = command_line(server, "dead-letters", "ls")
        raise CommandError(f"there is no dead letter {', '.join(missing)}; {listing} lists them")


async def _list(client: Client, kind: str, limit: int) -> tuple[list[dict[str, Any]], bool]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None and len(found) < limit:
        page = await client.dead_letters(kind=kind, limit=min(limit - len(found), 500), cursor=cursor)
        found += page.dead_letters
        cursor = page.cursor
    return found, cursor is not None


async def _params(client: Client, id: str, words: tuple[str, ...], base: dict[str, Any]) -> dict[str, Any] | None:
    """The parameters with what the command line changes; None when it changes nothing."""
    if not words:
        return base or None
    letter = await client.dead_letter(id)
    schema = await fetch_schema(client, str(letter.get("kind", "")))
    return parse(words, schema, base or letter.get("params"))


async def _drop(client: Client, ids: tuple[str, ...]) -> list[str]:
    """Drop dead letters. Return the ids of those that do not exist."""
    missing = []
    for id in ids:
        try:
            await client.drop_dead_letter(id)
        except ClientError as error:
            if error.status != NOT_FOUND:
                raise
            missing.append(id)
        else:
            click.echo(f"{id}  dropped")
    return missing
