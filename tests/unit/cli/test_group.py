"""The group of commands: help, unknown names, suggestions."""

from __future__ import annotations

import click
import pytest

from headway.cli.group import COMMANDS, cli
from headway.values.redaction import is_secret_name
from tests.fixtures.scripted_server import ScriptedServer, headway


def test_help_names_all_commands() -> None:
    """In the order of `COMMANDS`."""
    output = headway("--help").output
    places = [output.index(f"  {name} ") for name in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help(name: str) -> None:
    """With a description."""
    result = headway(name, "--help")
    assert result.exit_code == 0
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.help


def test_unknown_command_is_a_usage_error() -> None:
    """Exit code 2."""
    assert headway("fly").exit_code == 2


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["wacth", "t1"], "No such command 'wacth'; did you mean watch?"),
        (["zzz"], "No such command 'zzz'; known: cancel, completion"),
        (["submit", "crwal"], "kind 'crwal' is unknown; did you mean crawl?"),
        (["kinds", "crwal"], "kind 'crwal' is unknown; did you mean crawl?"),
        (["ls", "--jsno"], "--json"),
        (["watch", "--patiense", "3", "t1"], "--patience"),
    ],
)
def test_mistyped_name_has_a_suggestion(server: ScriptedServer, words: list[str], hint: str) -> None:
    """Commands, kinds and options; exit code 2."""
    result = headway(*words)
    assert result.exit_code == 2
    assert hint in result.stderr


@pytest.mark.security
@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_takes_a_secret_which_the_list_of_processes_would_show(name: str) -> None:
    """Options with the name of a secret take a file."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for param in command.params:
        if any(is_secret_name(option.strip("-")) for option in param.opts):
            assert isinstance(param.type, click.File | click.Path), f"{name} {param.opts}"
