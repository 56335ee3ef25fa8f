"""`headway ls` against a scripted server."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.scripted_server import ScriptedServer, headway


def test_ls_lists_recent_tasks(server: ScriptedServer) -> None:
    """As a table, or a line of JSON each; filters go to the server."""
    state = {"status": "processing", "progress": 42.5, "step": "Fetching", "message": "page 42"}
    server.json("GET /api/v1/tasks", {"tasks": [{"task": "t1", "kind": "crawl", "created": 0, "state": state}]})
    result = headway("ls", "--kind", "crawl", "--status", "processing", "--limit", "3")
    for part in ("t1", "crawl", "processing", "42 %", "Fetching: page 42"):
        assert part in result.output
    assert dict(server.requests[-1].url.params) == {"limit": "3", "kind": "crawl", "status": "processing"}
    assert json.loads(headway("ls", "--json").stdout)["task"] == "t1"


@pytest.mark.parametrize(
    "bad", ["nonsense", {"task": "bad", "created": "x"}, {"task": "bad", "state": 7}, {"created": 1e300, "state": []}]
)
def test_malformed_task_does_not_hide_the_others(server: ScriptedServer, bad: object) -> None:
    """Its row says that it is not readable."""
    good = {"task": "t1", "kind": "crawl", "created": 0, "state": {"status": "processing", "progress": 42.5}}
    server.json("GET /api/v1/tasks", {"tasks": [bad, good]})
    result = headway("ls")
    assert result.exit_code == 0
    assert "t1" in result.output
    assert "42 %" in result.output


def test_empty_list_has_a_hint(server: ScriptedServer) -> None:
    """A new user sees it first."""
    server.json("GET /api/v1/tasks", {"tasks": []})
    assert "headway submit" in headway("ls").output
    server.json("GET /api/v1/kinds", {"kinds": []})
    assert "headway dev" in headway("kinds").output


def test_list_of_an_unknown_kind_has_a_hint(server: ScriptedServer) -> None:
    """An empty list of a known kind has none."""
    server.json("GET /api/v1/tasks", {"tasks": []})
    assert "Kind 'crwal' is unknown; did you mean crawl?" in headway("ls", "--kind", "crwal").output
    assert "unknown" not in headway("ls", "--kind", "crawl").output
