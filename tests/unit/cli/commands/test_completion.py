"""`headway completion`."""

from __future__ import annotations

import pytest

from tests.fixtures.scripted_server import headway


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_for_the_shell(shell: str) -> None:
    """It calls the command for completions."""
    result = headway("completion", shell)
    assert result.exit_code == 0
    assert f"_HEADWAY_COMPLETE={shell}_complete" in result.stdout
