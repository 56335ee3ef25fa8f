"""Exceptions that end a command with a message, and the exit code of each."""

from __future__ import annotations

import click

from headway.cli.render.text import one_line
from headway.cli.token import TOKEN, TOKEN_FILE, token_source
from headway.errors import ClientError, HeadwayError


class CommandError(click.ClickException):
    """The command failed: exit code 1."""


class InvalidUsageError(click.ClickException):
    """An argument or option is invalid: exit code 2."""

    exit_code = 2


class UnknownOutcomeError(click.ClickException):
    """The watch ended before the outcome of its tasks was known: exit code 4."""

    exit_code = 4


def format_error(error: HeadwayError) -> str:
    """Format `error` with one line per invalid parameter, and a hint where the caller can do something about it."""
    if not isinstance(error, ClientError):
        return str(error)
    if error.status is None and str(error).startswith("cannot reach"):
        return f"{error}\nStart one with `headway dev`, or name another with --server or HEADWAY_SERVER."
    details = [one_line(f"{item.get('pointer', '')}: {item.get('detail', '')}") for item in error.errors]
    return "\n  ".join([str(error), *details]) + _access_hint(error)


def _access_hint(error: ClientError) -> str:
    if error.status == 403 and "scope" in str(error):
        return "\nUse a token with that scope. For trials: headway token --scope SCOPE, once per scope."
    if error.status != 401:
        return ""
    if source := token_source():
        return f"\nThe token in {source} has expired, was revoked, or is not for this server: renew it."
    return (
        f"\nThe server asks for a token: set {TOKEN}, or {TOKEN_FILE} to a file that holds it. With the server's "
        f"secret, for trials: export {TOKEN}=$(headway token)"
    )
