"""`headway revoke`: revoke tokens before they expire."""

from __future__ import annotations

import time

import click

from headway.cli.errors import CommandError, InvalidUsageError
from headway.cli.server import call_server, server_option


@click.command()
@click.option("--owner", default="", help="Revoke all tokens of this owner that were issued until now.")
@click.option("--id", "token_id", default="", help="Revoke the access token with this `jti`.")
@click.option("--file", metavar="PATH", default="", help="Revoke the token in this file; - is the standard input.")
@server_option
def revoke(owner: str, token_id: str, file: str, *, server: str) -> None:
    """Revoke tokens before they expire; without an option the one that the command itself uses.

    Tokens of others need the scope tokens:revoke. Streams that were opened with what is revoked end within seconds.
    """
    if sum(map(bool, (owner, token_id, file))) > 1:
        raise InvalidUsageError("use one of --owner, --id and --file")
    token = _read(file) if file else ""
    before = time.time() if owner else None
    call_server(server, lambda client: client.revoke(token=token, id=token_id, owner=owner, before=before))
    click.echo(f"revoked: {f'all tokens of {owner}' if owner else 'the token'}")


def _read(path: str) -> str:
    try:
        with click.open_file(path) as file:
            token: str = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    if not token:
        raise InvalidUsageError(f"{path} holds no token")
    return token
