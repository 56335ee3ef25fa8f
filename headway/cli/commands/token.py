"""`headway token`: sign a token for trials."""

from __future__ import annotations

import os
from pathlib import Path

import click

from headway.cli.errors import InvalidUsageError
from headway.client.signing import SCOPES, sign_token

SECRET = "HEADWAY_STREAMER_JWT_SECRET"  # noqa: S105 - the name of a variable


def _claim(name: str, default: str) -> str:
    return os.environ.get(f"HEADWAY_STREAMER_{name}", "") or default


@click.command()
@click.option("--owner", default="me", show_default=True, help="Whose tasks the token is for.")
@click.option("--tenant", default="", help="Tenant of the owner; needs HEADWAY_STREAMER_CLAIM_TENANT.")
@click.option("--scope", "scopes", multiple=True, default=SCOPES, show_default=True, help="What it allows; repeatable.")
@click.option("--minutes", default=60.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Its life.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File for it, that its owner alone may read."
)
def token(owner: str, tenant: str, scopes: tuple[str, ...], minutes: float, output: Path | None) -> None:
    """Sign a token for trials, with the secret and the claims of a streamer's environment.

    Print it alone, so that a shell can store it: export HEADWAY_TOKEN=$(headway token).
    """
    secret = os.environ.get(SECRET, "")
    if not secret:
        raise InvalidUsageError(f"{SECRET} is not set: it is the secret that the streamer verifies tokens with")
    text = sign_token(
        secret,
        owner,
        scopes=scopes,
        seconds=60 * minutes,
        issuer=_claim("JWT_ISSUER", "headway"),
        audience=_claim("JWT_AUDIENCE", "headway"),
        owner_claim=_claim("CLAIM_OWNER", "sub"),
        scopes_claim=_claim("CLAIM_SCOPES", "scope"),
        **({_claim("CLAIM_TENANT", "tenant"): tenant} if tenant else {}),
    )
    if output is None:
        click.echo(text)
    else:
        output.touch()
        output.chmod(0o600)
        output.write_text(text + "\n")
