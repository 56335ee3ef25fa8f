"""`headway retry` against a scripted server."""

from __future__ import annotations

from tests.fixtures.scripted_server import ACCEPTED, ScriptedServer, event, headway


def test_retry_submits_a_new_task(server: ScriptedServer) -> None:
    """And follows it with --watch."""
    server.json("POST /api/v1/tasks/t0/retry", ACCEPTED, 202)
    server.stream("GET /api/v1/tasks/t1/stream", event(1, "completed"))
    assert headway("retry", "t0").output.startswith("t1  crawl\n")
    assert headway("retry", "t0", "--watch").exit_code == 0
