"""`headway submit`: submit a task."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click

from headway.cli.completions import complete_kind
from headway.cli.errors import CommandError, InvalidUsageError, format_error
from headway.cli.files import choose, upload_all
from headway.cli.follow import WatchState, run_watch
from headway.cli.moment import Later, Time, local
from headway.cli.params import ParamError, from_json, parse
from headway.cli.render.terminal import print_json_value
from headway.cli.render.text import suggestion
from headway.cli.server import call_server, command_line, server_option
from headway.client import Client
from headway.errors import ClientError
from headway.values.redaction import redact_url


@click.command()
@click.argument("kind", shell_complete=complete_kind)
@click.argument("words", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--json-params", default="", metavar="JSON|@FILE", help="Parameters as one JSON object; @- reads standard input."
)
@click.option(
    "--file",
    "files",
    multiple=True,
    metavar="[NAME=]PATH",
    help="Upload a file for the parameter that takes one, or for NAME of several; - reads standard input.",
)
@click.option("--title", default="", help="What people see of the task; by default the title of its kind.")
@click.option("--tag", "tags", multiple=True, help="Word to find the task by; may be repeated.")
@click.option("--unique", default="", help="Key of which one task of the kind runs at a time.")
@click.option("--join", is_flag=True, help="When a task of the key runs, take that instead of an error.")
@click.option("--at", "at", type=Time(), default=None, help="Begin then: 2026-12-01T08:00, local, or with a zone.")
@click.option("--in", "delay", type=Later(), default=None, help="Begin after that time: 90s, 30m, 2h, 7d.")
@click.option("--watch", "watching", is_flag=True, help="Follow the task; exit codes as for `headway watch`.")
@click.option("--key", default=None, help="Idempotency key: repeated requests with one key run one task.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the server's response as JSON; with --watch also the events."
)
@server_option
def submit(
    kind: str,
    words: tuple[str, ...],
    *,
    json_params: str,
    files: tuple[str, ...],
    title: str,
    tags: tuple[str, ...],
    unique: str,
    join: bool,
    at: float | None,
    delay: float | None,
    watching: bool,
    key: str | None,
    as_json: bool,
    server: str,
) -> None:
    """Submit a task of KIND, for example: headway submit crawl url=https://example.org/ max_pages=20

    Values are converted to the types of the kind's parameters; write lists and objects as JSON. `headway kinds` lists
    the parameters.
    """
    if at is not None and delay is not None:
        raise InvalidUsageError("--at and --in both say when it begins: give one of them")
    base = read_json_params(json_params)
    run_at = delay if at is None else at

    async def call(client: Client) -> dict[str, Any]:
        schema = await fetch_schema(client, kind)
        chosen = choose(files, schema)
        params = parse(words, schema, base)
        params |= await upload_all(client, chosen)
        return await client.submit(kind, params, key, title=title, tags=tags, unique=unique, join=join, run_at=run_at)

    accepted = call_with_params(server, call, f"\nSee `{command_line(server, 'kinds', kind)}`.", (400, 404, 422))
    print_accepted(server, accepted, as_json=as_json, watching=watching)


def call_with_params(
    server: str, call: Callable[[Client], Awaitable[dict[str, Any]]], hint: str, refused: tuple[int, ...]
) -> dict[str, Any]:
    """Make a call with parameters. Exits with 2 when they do not fit, or with a status in `refused`."""
    try:
        return call_server(server, call)
    except ParamError as error:
        raise InvalidUsageError(f"{error}{hint}") from error
    except ClientError as error:
        if error.status in refused:
            raise InvalidUsageError(format_error(error)) from error
        raise


def print_accepted(server: str, accepted: dict[str, Any], *, as_json: bool, watching: bool) -> None:
    """Print the accepted task with the next commands; with `watching` follow it and exit with its code."""
    task = str(accepted.get("task", ""))
    if as_json:
        print_json_value(accepted)
    else:
        click.echo(f"{task}  {accepted.get('kind', '')}")
        if isinstance(run_at := accepted.get("run_at"), int | float):
            click.echo(f"  begins at {local(run_at)}")
    if warning := accepted.get("warning"):
        click.echo(f"warning: {warning}", err=True)
    if watching:
        raise SystemExit(run_watch(server, WatchState([task]), as_json=as_json))
    if not as_json:
        stream = accepted.get("links", {}).get("stream", f"/api/v1/tasks/{task}/stream")
        click.echo(f"  {command_line(server, 'watch', task)}")
        click.echo(f"  {command_line(server, 'cancel', task)}")
        click.echo(f"  curl -N {redact_url(server).rstrip('/')}{stream}")


async def fetch_schema(client: Client, kind: str) -> dict[str, Any]:
    """The JSON Schema of the parameters of a kind. Raises InvalidUsageError."""
    kinds = await client.kinds()
    for found in kinds:
        if found.get("kind") == kind:
            schema = found.get("params")
            return schema if isinstance(schema, dict) else {}
    names = [str(found.get("kind")) for found in kinds]
    hint = suggestion(kind, names) if names else "no processor has published a kind yet"
    raise InvalidUsageError(f"kind {kind!r} is unknown; {hint}")


def read_json_params(source: str) -> dict[str, Any]:
    """The object that ``--json-params`` names; none for an empty one. Raises InvalidUsageError and CommandError."""
    if not source:
        return {}
    try:
        text = source
        if source == "@-":
            text = sys.stdin.read()
        elif source.startswith("@"):
            text = Path(source[1:]).read_text(encoding="utf-8")
        return from_json(text)
    except ParamError as error:
        raise InvalidUsageError(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--json-params {source}: {error}") from error
