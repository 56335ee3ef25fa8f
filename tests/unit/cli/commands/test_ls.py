"""`headway ls` against a scripted server."""

from __future__ import annotations

import json
import shlex

import httpx
import pytest

from tests.fixtures.pages import Block
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


def test_filters_go_to_the_server(server: ScriptedServer) -> None:
    """Repeated ones as well."""
    server.json("GET /api/v1/tasks", {"tasks": []})
    filters = "--status error --status cancelled --kind crawl --tag eu --tag night --text import --owner ann"
    assert "No tasks match." in headway("ls", *filters.split(), "--since", "1970-01-02T00:00+00:00").output
    query = next(request.url.params for request in server.requests if request.url.path == "/api/v1/tasks")
    assert query.get_list("status") == ["error", "cancelled"]
    assert query.get_list("tag") == ["eu", "night"]
    assert dict(query) | {"kind": "crawl", "text": "import", "owner": "ann", "since": "86400.0"} == dict(query)


def test_ls_lists_the_parts_of_a_task_and_marks_those_that_have_some(server: ScriptedServer) -> None:
    """With their count before the message."""
    state = {"status": "completed", "progress": 100, "done": 3, "total": 3, "unit": "parts"}
    server.json("GET /api/v1/tasks", {"tasks": [{"task": "t1", "kind": "album", "created": 0, "state": state}]})
    assert "3/3 parts" in headway("ls", "--parent", "p1").output
    assert dict(server.requests[-1].url.params) == {"limit": "20", "parent": "p1"}


def paged(server: ScriptedServer, count: int) -> None:
    """Answer pages of one task each."""

    def answer(request: httpx.Request) -> httpx.Response:
        at = int(request.url.params.get("cursor", "0")) + 1
        state = {"status": "completed", "progress": 100}
        task = {"task": f"t{at}", "kind": "k", "title": f"Import {at}", "created": 0, "state": state}
        return httpx.Response(200, json={"tasks": [task], "cursor": str(at) if at < count else None})

    server.responses["GET /api/v1/tasks"] = answer


def test_ls_reads_page_after_page(server: ScriptedServer) -> None:
    """As many as are asked for, or all."""
    paged(server, 5)
    assert [json.loads(line)["task"] for line in headway("ls", "--json", "--limit", "2").stdout.splitlines()] == [
        "t1",
        "t2",
    ]
    assert len(headway("ls", "--json", "--all").stdout.splitlines()) == 5


def test_documented_ways_to_find_tasks_work(server: ScriptedServer, printed: list[Block]) -> None:
    """Each command of the page."""
    paged(server, 2)
    schema = {"properties": {"url": {"type": "string"}}}
    server.json("GET /api/v1/kinds", {"kinds": [{"kind": "crawl", "params": schema}]})
    server.json("POST /api/v1/tasks", {"task": "t1", "kind": "crawl"}, 202)
    for line in printed[0].text.splitlines():
        result = headway(*shlex.split(line, comments=True)[1:])
        assert (result.exit_code, "t1" in result.output) == (0, True), line
    body = json.loads(next(request.content for request in server.requests if request.method == "POST"))
    assert (body["title"], body["tags"]) == ("The site of the week", ["weekly"])


def test_ls_shows_titles(server: ScriptedServer) -> None:
    """Where tasks have them."""
    paged(server, 1)
    assert "Import 1" in headway("ls").output


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
    assert "No tasks match." in headway("ls", "--kind", "crawl").output
