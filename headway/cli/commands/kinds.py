"""`headway kinds`."""

from __future__ import annotations

import click

from headway.cli.completions import complete_kind
from headway.cli.group import Misuse, ask, server_option
from headway.cli.render.kind_view import kind_view
from headway.cli.render.terminal import console, print_json_lines
from headway.cli.render.text import suggestion


@click.command()
@click.argument("names", nargs=-1, metavar="[KIND]...", shell_complete=complete_kind)
@click.option("--json", "as_json", is_flag=True, help="One kind per line, with its JSON Schema.")
@server_option
def kinds(names: tuple[str, ...], *, as_json: bool, server: str) -> None:
    """What can be run, with the parameters."""
    found = ask(server, lambda client: client.kinds())
    unknown = sorted(set(names) - {str(kind.get("kind")) for kind in found})
    if unknown:
        hint = suggestion(unknown[0], (str(kind.get("kind")) for kind in found))
        raise Misuse(f"kind {unknown[0]!r} is unknown; {hint}")
    wanted = [kind for kind in found if not names or kind.get("kind") in names]
    if as_json:
        print_json_lines(wanted)
    elif wanted:
        for kind in wanted:
            console().print(kind_view(kind))
    else:
        click.echo("No kinds: is a processor running? `headway dev` starts one.")
