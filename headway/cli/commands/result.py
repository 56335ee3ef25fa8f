"""`headway result`: what a completed task returned."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from headway.cli.completions import complete_task
from headway.cli.group import Failure, ask, server_option
from headway.cli.render.terminal import print_json


@click.command()
@click.argument("task", metavar="ID", shell_complete=complete_task)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write it to a file, byte for byte.",
)
@click.option("--compact", is_flag=True, help="In one line. The default where the output is no terminal.")
@server_option
def result(task: str, *, output: Path | None, compact: bool, server: str) -> None:
    """Print the result of a completed task as JSON, every digit as the handler returned it."""
    found = ask(server, lambda client: client.result_json(task))
    if output is not None:
        try:
            output.write_bytes(found)
        except OSError as error:
            raise Failure(f"cannot write {output}: {error.strerror}") from error
        return
    if compact or not sys.stdout.isatty():
        print_json(found.decode())
        return
    for line in msgspec.json.format(found, indent=2).decode().split("\n"):
        print_json(line)
