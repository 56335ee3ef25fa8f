"""Shell completion of commands, options, kinds and ids."""

from __future__ import annotations

import httpx
import pytest
from click.testing import CliRunner

from headway.cli.group import cli
from tests.fixtures.scripted_server import ScriptedServer


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("headway wa", ["watch"]),
        ("headway ls --js", ["--json"]),
        ("headway ls --status proc", ["processing"]),
        ("headway submit cr", ["crawl"]),
        ("headway watch 06", ["06a", "06b"]),
        ("headway result 06b", ["06b"]),
    ],
)
def test_commands_options_kinds_and_ids_are_completed(server: ScriptedServer, words: str, completed: list[str]) -> None:
    """Except ids that a shell could interpret."""
    server.json("GET /api/v1/tasks", {"tasks": [{"task": task, "kind": "crawl"} for task in ("06a", "06b", "06$(id)")]})
    environ = {
        "_HEADWAY_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    result = CliRunner().invoke(cli, [], prog_name="headway", env=environ)
    assert [line.partition(",")[2] for line in result.stdout.splitlines()] == completed


def test_completion_without_a_server_prints_nothing(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message would appear in the command line being edited."""
    monkeypatch.setattr("headway.cli.completions.TIMEOUT_SECONDS", 0.01)

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("All connection attempts failed")

    server.responses["GET /api/v1/tasks"] = refuse
    environ = {"_HEADWAY_COMPLETE": "zsh_complete", "COMP_WORDS": "headway watch 0", "COMP_CWORD": "2"}
    result = CliRunner().invoke(cli, [], prog_name="headway", env=environ)
    assert result.output.strip() == ""
