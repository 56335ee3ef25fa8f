"""`headway completion`: print a shell's completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from headway.cli.errors import CommandError
from headway.cli.group import cli

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script for SHELL, for example: eval "$(headway completion bash)"

    \b
    bash: in ~/.bashrc    eval "$(headway completion bash)"     (bash 4.4 or newer)
    zsh:  in ~/.zshrc     eval "$(headway completion zsh)"      (after compinit)
    fish: once            headway completion fish > ~/.config/fish/completions/headway.fish
    """
    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise CommandError(f"the installed version of click does not support {shell}")
    try:
        click.echo(completion_class(cli, {}, "headway", "_HEADWAY_COMPLETE").source())
    except RuntimeError as error:  # bash is too old or missing
        raise CommandError(str(error)) from error
