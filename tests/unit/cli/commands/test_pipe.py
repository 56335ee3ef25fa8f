"""`headway pipe`: its arguments. `tests/acceptance/test_run.py` runs it with a streamer."""

from __future__ import annotations

from tests.fixtures.scripted_server import headway


def test_help_says_whose_exit_code_is_unknown() -> None:
    assert "set -o pipefail" in headway("pipe", "--help").output


def test_wrong_usage_exits_with_2() -> None:
    result = headway("pipe", "--kind", "a.b")
    assert result.exit_code == 2
    assert "'a.b' is not a valid kind" in result.stderr
