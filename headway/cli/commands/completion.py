"""`headway completion`: the script that makes a shell complete commands, options, kinds and ids."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from headway.cli.group import Failure, cli

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script for SHELL, such as: eval "$(headway completion bash)"

    \b
    bash: in ~/.bashrc    eval "$(headway completion bash)"     (bash 4.4 or newer)
    zsh:  in ~/.zshrc     eval "$(headway completion zsh)"      (after compinit)
    fish: once            headway completion fish > ~/.config/fish/completions/headway.fish
    """
    made = get_completion_class(shell)
    if made is None:
        raise Failure(f"this version of click knows no {shell}")
    try:
        click.echo(made(cli, {}, "headway", "_HEADWAY_COMPLETE").source())
    except RuntimeError as error:  # bash is too old, or not there
        raise Failure(str(error)) from error
