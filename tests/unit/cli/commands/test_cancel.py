"""`headway cancel` against a scripted server."""

from __future__ import annotations

import json

from tests.fixtures.scripted_server import ScriptedServer, headway


def test_cancel_sends_the_reason(server: ScriptedServer) -> None:
    """And prints the command that follows the end."""
    server.json("POST /api/v1/tasks/t1/cancel", {"task": "t1", "status": "cancelling"}, 202)
    result = headway("cancel", "t1", "--reason", "enough")
    assert result.output.splitlines() == ["t1  cancelling", "  headway watch t1"]
    assert json.loads(server.requests[-1].content) == {"reason": "enough"}


def test_cancel_of_an_ended_task_is_an_error(server: ScriptedServer) -> None:
    """With the server's message."""
    server.json("POST /api/v1/tasks/t1/cancel", {"detail": "The task is completed already."}, 409)
    result = headway("cancel", "t1")
    assert result.exit_code == 1
    assert result.stderr == "Error: The task is completed already. (HTTP 409)\n"
