"""Numbers in the JSON output of all commands."""

from __future__ import annotations

import httpx
import pytest

from tests.fixtures.scripted_server import ScriptedServer, headway

BIG = '{"n":12345678901234567890123,"f":0.12345678901234567890,"h":1e400,"z":-0.0,"t":"☃\\u202e"}'


def answer(text: str) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "application/json"}, text=text)


@pytest.mark.parametrize(
    ("words", "route"),
    [
        (("ls", "--json"), "GET /api/v1/tasks"),
        (("kinds", "--json"), "GET /api/v1/kinds"),
        (("submit", "crawl", "url=a", "--json"), "POST /api/v1/tasks"),
        (("cancel", "t1", "--json"), "POST /api/v1/tasks/t1/cancel"),
        (("retry", "t1", "--json"), "POST /api/v1/tasks/t1/retry"),
    ],
)
def test_json_of_every_command_keeps_all_digits(server: ScriptedServer, words: tuple[str, ...], route: str) -> None:
    """Whole numbers over 2**53, more digits than a float has, more than it reaches."""
    name = {"GET /api/v1/tasks": "tasks", "GET /api/v1/kinds": "kinds"}.get(route)
    server.responses[route] = answer(f'{{"{name}":[{BIG}]}}' if name else BIG)
    shown = headway(*words).stdout
    for digits in ("12345678901234567890123", "0.12345678901234567890", "1E+400", "-0.0"):
        assert digits in shown
