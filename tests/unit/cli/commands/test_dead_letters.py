"""`headway dead-letters` against a scripted server."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.fixtures.scripted_server import ScriptedServer, headway

LETTERS = "/api/v1/dead-letters"
ONE = {
    "id": "4",
    "kind": "k",
    "task": "t1",
    "at": 5.0,
    "reason": "Lost: given up",
    "problem": "",
    "resubmittable": True,
}
ACCEPTED = {"task": "t2", "kind": "k", "processors": 1, "links": {"stream": "/s"}}


@pytest.fixture
def letters(server: ScriptedServer) -> ScriptedServer:
    server.json(f"GET {LETTERS}/4", ONE | {"params": {"a": 1, "b": "x"}})
    server.json(f"POST {LETTERS}/4/resubmit", ACCEPTED, 202)
    server.json(f"DELETE {LETTERS}/4", {"id": "4", "status": "dropped"})
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
    server.json("GET /api/v1/kinds", {"kinds": [{"kind": "k", "params": schema}]})
    return server


def sent(server: ScriptedServer) -> list[object]:
    return [json.loads(request.content or b"null") for request in server.requests if request.method == "POST"]


def test_letters_are_listed_in_pages(server: ScriptedServer) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        assert request.url.params["kind"] == "k"
        first = "cursor" not in request.url.params
        return httpx.Response(200, json={"dead_letters": [ONE | {"id": "4" if first else "6"}], "cursor": "5"})

    server.responses[f"GET {LETTERS}"] = page
    result = headway("dead-letters", "ls", "--kind", "k", "--limit", "2")
    assert [line.split()[0] for line in result.stdout.splitlines()[-2:]] == ["4", "6"]
    assert result.stderr == "There are more: --limit 20\n"
    lines = headway("dead-letters", "ls", "--kind", "k", "--limit", "1", "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["4"]


def test_without_any_the_output_says_so(server: ScriptedServer) -> None:
    server.json(f"GET {LETTERS}", {"dead_letters": [], "cursor": None})
    assert headway("dead-letters", "ls").output == "No dead letters.\n"


def test_a_letter_is_shown_as_json(letters: ScriptedServer) -> None:
    assert json.loads(headway("dead-letters", "show", "4").stdout)["params"] == {"a": 1, "b": "x"}


def test_a_letter_is_resubmitted_with_its_parameters_or_edited_ones(letters: ScriptedServer) -> None:
    assert headway("dead-letters", "resubmit", "4").stdout.splitlines()[0] == "t2  k"
    assert headway("dead-letters", "resubmit", "4", "a=2").exit_code == 0
    assert headway("dead-letters", "resubmit", "4", "--json-params", '{"c":1}', "--key", "x").exit_code == 0
    assert sent(letters) == [{}, {"params": {"a": 2, "b": "x"}}, {"params": {"c": 1}}]
    assert letters.requests[-1].headers["Idempotency-Key"] == "x"
    wrong = headway("dead-letters", "resubmit", "4", "z=2")
    assert (wrong.exit_code, "'z' is not a parameter" in wrong.stderr) == (2, True)


def test_a_letter_that_is_not_a_job_says_why(letters: ScriptedServer) -> None:
    letters.json(f"POST {LETTERS}/4/resubmit", {"detail": "The message is not a job. It can be dropped."}, 409)
    result = headway("dead-letters", "resubmit", "4")
    assert (result.exit_code, "not a job" in result.stderr) == (1, True)


def test_dropping_asks_first_and_names_what_does_not_exist(letters: ScriptedServer) -> None:
    assert headway("dead-letters", "drop", "4", input="n\n").exit_code == 1
    letters.json(f"DELETE {LETTERS}/9", {"detail": "There is no such dead letter."}, 404)
    result = headway("dead-letters", "drop", "4", "9", "--yes")
    assert (result.exit_code, result.stdout) == (1, "4  dropped\n")
    assert "there is no dead letter 9; headway dead-letters ls lists them" in result.stderr
