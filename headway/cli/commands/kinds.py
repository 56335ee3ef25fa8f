"""`headway kinds`: list task kinds."""

from __future__ import annotations

import click

from headway.cli.completions import complete_kind
from headway.cli.errors import InvalidUsageError
from headway.cli.render.kind_view import kind_view
from headway.cli.render.terminal import make_console, print_json_lines
from headway.cli.render.text import suggestion
from headway.cli.server import call_server, server_option


@click.command()
@click.argument("names", nargs=-1, metavar="[KIND]...", shell_complete=complete_kind)
@click.option("--json", "as_json", is_flag=True, help="Print one kind per line as JSON, with its JSON Schema.")
@server_option
def kinds(names: tuple[str, ...], *, as_json: bool, server: str) -> None:
    """List task kinds and their parameters."""
    found = call_server(server, lambda client: client.kinds())
    unknown = sorted(set(names) - {str(kind.get("kind")) for kind in found})
    if unknown:
        hint = suggestion(unknown[0], (str(kind.get("kind")) for kind in found))
        raise InvalidUsageError(f"kind {unknown[0]!r} is unknown; {hint}")
    selected = [kind for kind in found if not names or kind.get("kind") in names]
    if as_json:
        print_json_lines(selected)
    elif selected:
        for kind in selected:
            make_console().print(kind_view(kind))
    else:
        click.echo("No kinds. Is a processor running? `headway dev` starts one.")
