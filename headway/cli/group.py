"""The group of commands, what they share, and the one border where errors become messages."""

from __future__ import annotations

import asyncio
import importlib
import os
import shlex
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from headway import __version__
from headway.cli.render.terminal import safe_streams
from headway.cli.render.text import one_line, suggestion
from headway.client import Client
from headway.errors import ClientError, HeadwayError

DEFAULT_SERVER = "http://127.0.0.1:8000"

COMMANDS = {
    "demo": "headway.cli.commands.demo:demo",
    "dev": "headway.cli.commands.dev:dev",
    "submit": "headway.cli.commands.submit:submit",
    "watch": "headway.cli.commands.watch:watch",
    "ls": "headway.cli.commands.ls:ls",
    "kinds": "headway.cli.commands.kinds:kinds",
    "cancel": "headway.cli.commands.cancel:cancel",
    "retry": "headway.cli.commands.retry:retry",
    "result": "headway.cli.commands.result:result",
    "logs": "headway.cli.commands.logs:logs",
    "completion": "headway.cli.commands.completion:completion",
}

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Failure(click.ClickException):
    """Ends the command with a message of one or two lines, exit code 1."""


class Misuse(click.ClickException):
    """The command line cannot be meant so: exit code 2."""

    exit_code = 2


class Lost(click.ClickException):
    """Nothing is known of how the task ended: exit code 4."""

    exit_code = 4


class LazyGroup(click.Group):
    """Imports a command when it is wanted, so that `headway watch` does not wait for what `headway dev` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the words begin with; for a mistyped one the name that was meant."""
        if not ctx.resilient_parsing and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}; {suggestion(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line with streams that nothing unsafe passes."""
        with safe_streams():
            return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; errors of Headway become messages."""
        try:
            return super().invoke(ctx)
        except HeadwayError as error:
            raise Failure(explain(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="headway")
def cli() -> None:
    """Live progress of long-running work."""


def server_option(command: F) -> F:
    """The option that says which streamer to talk to."""
    return click.option(
        "--server",
        envvar="HEADWAY_SERVER",
        default=DEFAULT_SERVER,
        show_default=True,
        show_envvar=True,
        metavar="URL",
        help="A streamer.",
    )(command)


def ask(server: str, call: Callable[[Client], Awaitable[T]]) -> T:
    """What `call` gets from the streamer at `server`."""

    async def run() -> T:
        async with Client(server, exact_numbers=True) as client:
            return await call(client)

    return asyncio.run(run())


def command_line(server: str, *words: str) -> str:
    """A command to copy and paste, for the same server."""
    given = [] if server == os.environ.get("HEADWAY_SERVER", DEFAULT_SERVER) else ["--server", server]
    return shlex.join(["headway", *words, *given])


def explain(error: HeadwayError) -> str:
    """An error in one line per fault, and what to do next."""
    if not isinstance(error, ClientError):
        return str(error)
    if error.status is None and str(error).startswith("cannot reach"):
        return f"{error}\nStart one with `headway dev`, or name another with --server or HEADWAY_SERVER."
    faults = [one_line(f"{fault.get('pointer', '')}: {fault.get('detail', '')}") for fault in error.errors]
    return "\n  ".join([str(error), *faults])
