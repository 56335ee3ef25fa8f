"""Exceptions that end a command with a message, and the exit code of each."""

from __future__ import annotations

import click

from headway.cli.render.text import one_line
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
    """Format `error` with one line per invalid parameter, and a hint where the server cannot be reached."""
    if not isinstance(error, ClientError):
        return str(error)
    if error.status is None and str(error).startswith("cannot reach"):
        return f"{error}\nStart one with `headway dev`, or name another with --server or HEADWAY_SERVER."
    details = [one_line(f"{item.get('pointer', '')}: {item.get('detail', '')}") for item in error.errors]
    return "\n  ".join([str(error), *details])
