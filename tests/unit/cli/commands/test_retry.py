"""`headway retry` against a scripted server."""

from __future__ import annotations

import json

from tests.fixtures.scripted_server import ACCEPTED, ScriptedServer, event, headway


def test_retry_submits_a_new_task(server: ScriptedServer) -> None:
    """And follows it with --watch."""
    server.json("POST /api/v1/tasks/t0/retry", ACCEPTED, 202)
    server.stream("GET /api/v1/tasks/t1/stream", event(1, "completed"))
    assert headway("retry", "t0").output.startswith("t1  crawl\n")
    assert headway("retry", "t0", "--watch").exit_code == 0


def test_named_parameters_replace_those_of_the_task(server: ScriptedServer) -> None:
    """They are converted to the types of the kind's parameters."""
    schema = {"properties": {"url": {"type": "string"}, "max_pages": {"type": "integer"}}}
    server.json("GET /api/v1/kinds", {"kinds": [{"kind": "crawl", "params": schema}]})
    server.json("GET /api/v1/tasks/t0", {"task": "t0", "kind": "crawl", "params": {"url": "u", "max_pages": 1}})
    server.json("POST /api/v1/tasks/t0/retry", ACCEPTED, 202)
    assert headway("retry", "t0", "max_pages=20").exit_code == 0
    assert json.loads(server.requests[-1].content) == {"params": {"url": "u", "max_pages": 20}}
    assert headway("retry", "t0", "--json-params", '{"url": "v"}').exit_code == 0
    assert json.loads(server.requests[-1].content) == {"params": {"url": "v"}}
    refused = headway("retry", "t0", "pages=20")
    assert (refused.exit_code, "max_pages" in refused.output) == (2, True)


def test_a_retry_continues_from_the_checkpoint(server: ScriptedServer) -> None:
    server.json("POST /api/v1/tasks/t0/retry", ACCEPTED, 202)
    assert headway("retry", "t0", "--resume").exit_code == 0
    assert json.loads(server.requests[-1].content) == {"resume": True}
    assert headway("retry", "t0", "--resume", "max_pages=2").exit_code == 2
