"""The group of commands. Errors of Headway become messages here."""

from __future__ import annotations

import importlib
from typing import Any

import click

from headway import __version__
from headway.cli.errors import CommandError, format_error
from headway.cli.render.terminal import safe_streams
from headway.cli.render.text import suggestion
from headway.errors import HeadwayError

COMMANDS = {
    name: "headway.cli.commands.{0}:{0}".format(name.replace("-", "_"))
    for name in (
        *("demo", "dev", "submit", "watch", "ls", "kinds", "processors", "cancel", "retry", "result", "logs", "delete"),
        "dead-letters",
        *("run", "pipe"),
        *("token", "revoke", "nats-config", "nats-adapt", "nats-backup", "nats-restore", "completion"),
    )
}
"""Import path of each command, in the order of the help text: what a new user needs first."""


HELP = ("-h", "--help")


class LazyGroup(click.Group):
    """Imports a command on first use, so that `headway watch` does not import what `headway dev` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        # Also for a command that is read by itself, as for a document: click keeps the first help option it makes.
        command.context_settings.setdefault("help_option_names", HELP)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve the command named by the first argument; suggest a name for an unknown one."""
        if not ctx.resilient_parsing and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}; {suggestion(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line with standard streams that remove unsafe characters."""
        with safe_streams():
            return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises CommandError for a HeadwayError."""
        try:
            return super().invoke(ctx)
        except HeadwayError as error:
            raise CommandError(format_error(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": HELP})
@click.version_option(__version__, prog_name="headway")
def cli() -> None:
    """Live progress of long-running work."""
