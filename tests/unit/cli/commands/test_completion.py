"""`headway completion`."""

from __future__ import annotations

from typing import NoReturn

import pytest

from tests.fixtures.scripted_server import headway


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_for_the_shell(shell: str) -> None:
    """It calls the command for completions."""
    result = headway("completion", shell)
    assert result.exit_code == 0
    assert f"_HEADWAY_COMPLETE={shell}_complete" in result.stdout


def test_shell_that_is_too_old_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> NoReturn:
        raise RuntimeError("Shell completion is not supported for Bash versions older than 4.4.")

    monkeypatch.setattr("click.shell_completion.BashComplete.source", fail)
    result = headway("completion", "bash")
    assert result.exit_code == 1
    assert "older than 4.4" in result.stderr


def test_shell_that_click_does_not_support_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.cli.commands.completion.get_completion_class", lambda shell: None)
    result = headway("completion", "fish")
    assert result.stderr == "Error: the installed version of click does not support fish\n"
