"""`headway delete` against a scripted server."""

from __future__ import annotations

import httpx
import pytest

from tests.fixtures.scripted_server import ScriptedServer, headway


@pytest.fixture
def deleting(server: ScriptedServer) -> ScriptedServer:
    for task in ("t1", "t2"):
        server.json(f"DELETE /api/v1/tasks/{task}", {"task": task, "status": "deleted"}, 202)
    return server


def deleted(server: ScriptedServer) -> list[str]:
    return [request.url.path[-2:] for request in server.requests if request.method == "DELETE"]


def test_delete_asks_first(deleting: ScriptedServer) -> None:
    """And does nothing without an answer."""
    refused = headway("delete", "t1", "t2", input="n\n")
    assert (refused.exit_code, deleted(deleting)) == (1, [])
    assert "Delete 2 tasks with parameters, output and result?" in refused.stderr
    assert headway("delete", "t1").exit_code == 1
    assert deleted(deleting) == []
    result = headway("delete", "t1", "t2", input="y\n")
    assert (result.exit_code, deleted(deleting)) == (0, ["t1", "t2"])
    assert result.stdout.splitlines() == ["t1  deleted", "t2  deleted"]


def test_tasks_that_have_not_ended_are_left(deleting: ScriptedServer) -> None:
    """The others are deleted, and the message names what to do."""
    deleting.json("DELETE /api/v1/tasks/t1", {"detail": "Cancel it first."}, 409)
    result = headway("delete", "t1", "t2", "--yes")
    assert (result.exit_code, result.stdout) == (1, "t2  deleted\n")
    assert result.stderr == "Error: 1 of 2 tasks have not ended; cancel them first, such as: headway cancel t1\n"


def test_all_tasks_of_an_owner_are_deleted(deleting: ScriptedServer) -> None:
    def tasks(request: httpx.Request) -> httpx.Response:
        if "cursor" in request.url.params:
            return httpx.Response(200, json={"tasks": [{"task": "t1"}], "cursor": None})
        found = [{"task": "t2"}] if request.url.params["owner"] == "ann" else []
        return httpx.Response(200, json={"tasks": found, "cursor": "C" if found else None})

    deleting.responses["GET /api/v1/tasks"] = tasks
    assert headway("delete", "--owner", "ann", "--yes").exit_code == 0
    assert deleted(deleting) == ["t2", "t1"]
    nothing = headway("delete", "--owner", "bob", "--yes")
    assert (nothing.exit_code, nothing.stdout) == (0, "No tasks of bob.\n")


def test_tasks_or_an_owner_are_needed(deleting: ScriptedServer) -> None:
    for words in ((), ("t1", "--owner", "ann")):
        result = headway("delete", *words)
        assert (result.exit_code, result.stderr) == (2, "Error: name tasks, or an owner with --owner\n")


def test_a_task_that_does_not_exist_is_an_error(server: ScriptedServer) -> None:
    result = headway("delete", "t1", "--yes")
    assert result.exit_code == 1
    assert "There is no such task." in result.stderr
