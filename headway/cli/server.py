"""Access to the streamer that a command talks to."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from headway.cli.token import read_token
from headway.client import Client
from headway.values.redaction import redact_url

DEFAULT_SERVER = "http://127.0.0.1:8000"

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def server_option(command: F) -> F:
    """Add the option `--server` to a command."""
    return click.option(
        "--server",
        callback=advise_variable("HEADWAY_SERVER"),
        envvar="HEADWAY_SERVER",
        default=DEFAULT_SERVER,
        show_default=True,
        show_envvar=True,
        metavar="URL",
        help="URL of a streamer.",
    )(command)


def advise_variable(variable: str) -> Callable[[click.Context, click.Parameter, str], str]:
    """Return a callback of an option that warns of a password on the command line, and names `variable` instead."""

    def warn(ctx: click.Context, param: click.Parameter, value: str) -> str:
        typed = ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if typed and redact_url(value) != value and not ctx.resilient_parsing:
            click.echo(
                f"warning: everybody on this machine can read {param.opts[0]} in the list of processes: "
                f"set {variable} instead",
                err=True,
            )
        return value

    return warn


def call_server(server: str, call: Callable[[Client], Awaitable[T]]) -> T:
    """Return the result of `call` with a client of the streamer at `server`. Raises ClientError."""

    async def run() -> T:
        async with Client(server, token=read_token, exact_numbers=True) as client:
            return await call(client)

    return asyncio.run(run())


def command_line(server: str, *words: str) -> str:
    """Return a `headway` command for the same server, quoted for a shell, without a password."""
    given = [] if server == os.environ.get("HEADWAY_SERVER", DEFAULT_SERVER) else ["--server", redact_url(server)]
    return shlex.join(["headway", *words, *given])
