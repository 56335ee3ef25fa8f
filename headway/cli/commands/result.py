"""`headway result`: print the result of a completed task."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from headway.cli.completions import complete_task
from headway.cli.errors import CommandError
from headway.cli.render.terminal import print_json
from headway.cli.server import call_server, server_option


@click.command()
@click.argument("task", metavar="ID", shell_complete=complete_task)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the result to a file, unchanged.",
)
@click.option("--compact", is_flag=True, help="Print one line. The default when the output is not a terminal.")
@server_option
def result(task: str, *, output: Path | None, compact: bool, server: str) -> None:
    """Print the result of a completed task as JSON, with every digit that the handler returned."""
    found = call_server(server, lambda client: client.result_json(task))
    if output is not None:
        _write(output, found)
    elif compact or not sys.stdout.isatty():
        print_json(found.decode())
    else:
        for line in msgspec.json.format(found, indent=2).decode().split("\n"):
            print_json(line)


def _write(output: Path, content: bytes) -> None:
    try:
        output.write_bytes(content)
    except OSError as error:
        raise CommandError(f"cannot write {output}: {error.strerror}") from error
