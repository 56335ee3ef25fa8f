"""`headway submit`: run a task."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from headway.cli.commands.watch import Following, run
from headway.cli.completions import complete_kind
from headway.cli.group import Failure, Misuse, ask, command_line, explain, server_option
from headway.cli.params import ParamError, from_json, parse
from headway.cli.render.terminal import print_json
from headway.cli.render.text import suggestion
from headway.client import Client
from headway.errors import ClientError
from headway.values import exact_json


@click.command()
@click.argument("kind", shell_complete=complete_kind)
@click.argument("words", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--json-params", default="", metavar="JSON|@FILE", help="All parameters as one JSON object; @- is stdin.")
@click.option("--watch", "watching", is_flag=True, help="Follow the task; exit codes as of `headway watch`.")
@click.option("--key", default=None, help="Idempotency key: the same key runs once.")
@click.option("--json", "as_json", is_flag=True, help="The server's answer as JSON; with --watch the events too.")
@server_option
def submit(
    kind: str, words: tuple[str, ...], *, json_params: str, watching: bool, key: str | None, as_json: bool, server: str
) -> None:
    """Run a task of KIND, such as: headway submit crawl url=https://example.org/ max_pages=20

    Values are read as the types that the kind asks for; lists and objects in JSON. `headway kinds` shows them.
    """
    base = _base(json_params)

    async def call(client: Client) -> dict[str, Any]:
        schema = await _schema(client, kind)
        return await client.submit(kind, parse(words, schema, base), key)

    try:
        accepted = ask(server, call)
    except ParamError as error:
        raise Misuse(f"{error}\nSee `{command_line(server, 'kinds', kind)}`.") from error
    except ClientError as error:
        if error.status in (400, 404, 422):
            raise Misuse(explain(error)) from error
        raise
    print_accepted(server, accepted, as_json=as_json, watching=watching)


def print_accepted(server: str, accepted: dict[str, Any], *, as_json: bool, watching: bool) -> None:
    """Print the new task and what can be done with it; follow it if that is wanted."""
    task = str(accepted.get("task", ""))
    if as_json:
        print_json(exact_json.encode(accepted).decode())
    else:
        click.echo(f"{task}  {accepted.get('kind', '')}")
    if warning := accepted.get("warning"):
        click.echo(f"warning: {warning}", err=True)
    if watching:
        raise SystemExit(run(server, Following([task]), as_json=as_json))
    if not as_json:
        stream = accepted.get("links", {}).get("stream", f"/api/v1/tasks/{task}/stream")
        click.echo(f"  {command_line(server, 'watch', task)}")
        click.echo(f"  {command_line(server, 'cancel', task)}")
        click.echo(f"  curl -N {server.rstrip('/')}{stream}")


async def _schema(client: Client, kind: str) -> dict[str, Any]:
    kinds = await client.kinds()
    for found in kinds:
        if found.get("kind") == kind:
            schema = found.get("params")
            return schema if isinstance(schema, dict) else {}
    names = [str(found.get("kind")) for found in kinds]
    hint = suggestion(kind, names) if names else "no processor has offered one yet"
    raise Misuse(f"kind {kind!r} is unknown; {hint}")


def _base(json_params: str) -> dict[str, Any]:
    if not json_params:
        return {}
    try:
        text = json_params
        if json_params == "@-":
            text = sys.stdin.read()
        elif json_params.startswith("@"):
            text = Path(json_params[1:]).read_text(encoding="utf-8")
        return from_json(text)
    except ParamError as error:
        raise Misuse(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"--json-params {json_params}: {error}") from error
