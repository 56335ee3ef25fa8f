"""`headway processors`: list the processors that are alive."""

from __future__ import annotations

import time

import click

from headway.cli.render.processors_table import processors_table
from headway.cli.render.terminal import make_console, print_json_lines
from headway.cli.server import call_server, server_option


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one processor per line as JSON.")
@server_option
def processors(*, as_json: bool, server: str) -> None:
    """List the processors that are alive: their load, version, age and kinds."""
    found = call_server(server, lambda client: client.processors())
    if as_json:
        print_json_lines(found)
    elif found:
        make_console().print(processors_table(found, time.time()))
    else:
        click.echo("No processors. `headway dev` starts one.")
