"""`headway pipe` in this process, with a scripted server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result

from headway.cli.commands import pipe
from tests.fixtures.scripted_reports import ScriptedReports
from tests.fixtures.scripted_server import headway

Piped = Callable[..., tuple[Result, bytes]]


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Piped]:
    """Call it with what the input holds; it returns the result and the output."""
    (source, given), (out, target) = os.pipe(), os.pipe()
    monkeypatch.setattr(pipe, "STDIN", source)
    monkeypatch.setattr(pipe, "STDOUT", target)

    def run(text: bytes, *words: str, ends: bool = True) -> tuple[Result, bytes]:
        os.write(given, text)
        if ends:
            os.close(given)
        result = headway("pipe", "--id", "t1", *words)
        if not ends:
            os.close(given)
        os.close(target)
        return result, os.read(out, 1000)

    yield run
    os.close(out)


def test_bytes_pass_and_lines_are_reported(reports: ScriptedReports, piped: Piped) -> None:
    result, out = piped(b"[1/2] a\n\xff\x1b[1mb\n", "--title", "numbers", "--lease", "30")
    assert (result.exit_code, out) == (0, b"[1/2] a\n\xff\x1b[1mb\n")
    assert reports.opened == {"id": "t1", "kind": "pipe", "title": "numbers", "lease_seconds": 30}
    assert [event["message"] for event in reports.events if event["type"] == "log"] == ["[1/2] a", "\ufffdb"]
    assert reports.end["status"] == "completed"
    assert (reports.end["result"]["lines"], reports.end["result"]["bytes"]) == (2, 15)


def test_a_cancel_request_closes_the_input(reports: ScriptedReports, piped: Piped) -> None:
    reports.cancel = "enough"
    result, out = piped(b"line\n", ends=False)
    assert (result.exit_code, out) == (3, b"line\n")
    assert reports.end["status"] == "cancelled"


def test_without_a_server_bytes_pass(piped: Piped) -> None:
    result, out = piped(b"text", "--server", "foo")
    assert (result.exit_code, out) == (0, b"text")
    assert "'foo' is not a URL of a server" in result.stderr


def test_help_says_whose_exit_code_is_unknown() -> None:
    assert "set -o pipefail" in headway("pipe", "--help").output


def test_wrong_usage_exits_with_2() -> None:
    result = headway("pipe", "--kind", "a.b")
    assert result.exit_code == 2
    assert "'a.b' is not a valid kind" in result.stderr
