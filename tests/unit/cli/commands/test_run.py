"""`headway run`: its arguments. `tests/acceptance/test_run.py` runs it with a streamer."""

from __future__ import annotations

import pytest

from tests.fixtures.scripted_server import headway


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "Missing argument '[--] COMMAND [ARG]...'"),
        (["--id", "a b", "true"], "'a b' is not a valid task id"),
        (["--kind", "a.b", "true"], "'a.b' is not a valid kind"),
        (["--grace", "-1", "true"], "--grace"),
        (["--nosuch", "true"], "--nosuch"),
    ],
)
def test_wrong_usage_exits_with_2_and_runs_nothing(words: list[str], error: str) -> None:
    result = headway("run", *words)
    assert result.exit_code == 2
    assert error in result.stderr
