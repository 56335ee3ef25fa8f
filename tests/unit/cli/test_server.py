"""Choice of the server, and its errors."""

from __future__ import annotations

import httpx
import pytest

from tests.fixtures.scripted_server import ScriptedServer, headway


def test_next_commands_name_another_server(server: ScriptedServer) -> None:
    """Unless the environment names it."""
    other = ("--server", "http://other:1")
    assert "headway watch t1 --server http://other:1" in headway("submit", "crawl", "url=a", *other).output
    named = headway("submit", "crawl", "url=a", env={"HEADWAY_SERVER": "http://other:1"})
    assert "headway watch t1\n" in named.output
    assert server.requests[-1].url.host == "other"


def test_unreachable_server_is_reported_with_a_hint(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> None:
    """Two lines, no traceback."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("All connection attempts failed")

    monkeypatch.setattr("headway.client.backoff.MIN_SECONDS", 0.0)
    server.responses["GET /api/v1/tasks"] = refuse
    result = headway("ls")
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert first == "Error: cannot reach http://127.0.0.1:8000: All connection attempts failed"
    assert "headway dev" in second


def test_invalid_server_url_is_reported(server: ScriptedServer) -> None:
    """At once."""
    result = headway("ls", "--server", "127.0.0.1:8000")
    assert result.exit_code == 1
    assert "begins with http://" in result.stderr


@pytest.mark.security
def test_a_password_in_the_url_is_shown_nowhere_and_its_variable_named(server: ScriptedServer) -> None:
    result = headway("ls", "--server", "http://u:zqsecret@127.0.0.1:8000")
    assert "zqsecret" not in result.output
    assert "set HEADWAY_SERVER instead" in result.stderr
    result = headway("submit", "crawl", "url=a", env={"HEADWAY_SERVER": "http://u:zqsecret@other:1"})
    assert "zqsecret" not in result.output
    assert "instead" not in result.stderr
    assert "curl -N http://***@other:1" in result.output
    result = headway("ls", "--server", "http://u:zq#secret@other:1")
    assert "'http://***@other:1' is not a URL of a server" in result.output
