"""`headway result` against a scripted server."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.fixtures.scripted_server import ScriptedServer, headway

BIG = '{"n":12345678901234567890123,"f":0.12345678901234567890,"h":1e400,"z":-0.0,"t":"☃\\u202e"}'


def answer(text: str) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "application/json"}, text=text)


def test_result_is_printed_with_every_digit(server: ScriptedServer, tmp_path: Path) -> None:
    """As JSON in one line, or unchanged to a file."""
    server.responses["GET /api/v1/tasks/t1/result"] = answer(BIG)
    assert headway("result", "t1").stdout == BIG + "\n"
    file = tmp_path / "result.json"
    result = headway("result", "t1", "-o", str(file))
    assert (result.exit_code, result.stdout) == (0, "")
    assert file.read_text() == BIG
    assert headway("result", "t1", "-o", str(tmp_path / "no" / "file")).exit_code == 1


def test_result_on_a_terminal_is_indented(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same digits."""
    monkeypatch.setattr("headway.cli.render.terminal.SafeStream.isatty", lambda _: True)
    server.responses["GET /api/v1/tasks/t1/result"] = answer(BIG)
    lines = headway("result", "t1").stdout.splitlines()
    assert lines[:3] == ["{", '  "n": 12345678901234567890123,', '  "f": 0.12345678901234567890,']
    assert headway("result", "t1", "--compact").stdout == BIG + "\n"


def test_result_before_the_end_is_an_error(server: ScriptedServer) -> None:
    """With the server's message."""
    server.json("GET /api/v1/tasks/t1/result", {"detail": "The task has not ended."}, 409)
    result = headway("result", "t1")
    assert result.exit_code == 1
    assert "The task has not ended." in result.stderr
