"""`headway watch` against a scripted server."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.fixtures.scripted_server import ScriptedServer, event, headway


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("error", 1), ("cancelled", 3)])
def test_exit_code_of_watch_is_that_of_the_outcome(server: ScriptedServer, status: str, code: int) -> None:
    """For shell scripts."""
    server.stream("GET /api/v1/tasks/t1/stream", event(1), event(2, status))
    result = headway("watch", "t1")
    assert result.exit_code == code
    assert status in result.output
    assert ("pages  7" in result.output) == (status == "completed")


def test_watch_of_an_unknown_task_is_lost(server: ScriptedServer) -> None:
    """Exit code 4."""
    result = headway("watch", "nope")
    assert result.exit_code == 4
    assert "nope: there is no such task; see `headway ls`" in result.stderr


def test_watch_of_several_tasks_exits_with_the_worst_outcome(server: ScriptedServer) -> None:
    """The others are watched in spite of an unknown one."""
    server.stream("GET /api/v1/stream", event(1, "cancelled"), event(2, "completed", "t2"))
    assert headway("watch", "t1", "t2").exit_code == 3
    server.stream("GET /api/v1/tasks/t1/stream", event(1, "error"))
    result = headway("watch", "t1", "nope")
    assert result.exit_code == 4
    assert "error" in result.output


def test_watch_as_json_prints_the_data_of_each_event(server: ScriptedServer) -> None:
    """And nothing else."""
    server.stream("GET /api/v1/tasks/t1/stream", event(1), event(2, "completed"))
    result = headway("watch", "t1", "--json")
    assert [json.loads(line)["n"] for line in result.stdout.splitlines()] == [1, 2]


def test_watch_from_the_last_cursor_fetches_the_outcome(server: ScriptedServer) -> None:
    """204: the server has nothing more to send."""
    server.responses["GET /api/v1/tasks/t1/stream"] = lambda _: httpx.Response(204)
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "state": {"type": "progress", "status": "cancelled"}})
    result = headway("watch", "t1", "--cursor", "c9")
    assert result.exit_code == 3
    assert [r.headers.get("last-event-id") for r in server.requests if r.url.path.endswith("/stream")] == ["c9"]


def test_interrupted_watch_prints_the_command_that_resumes_it(server: ScriptedServer) -> None:
    """Ctrl-C detaches: exit code 130, nothing is cancelled."""

    def interrupt(request: httpx.Request) -> httpx.Response:
        if request.headers.get("last-event-id"):
            raise KeyboardInterrupt
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text="retry: 0\n" + event(1))

    server.responses["GET /api/v1/tasks/t1/stream"] = interrupt
    result = headway("watch", "t1")
    assert result.exit_code == 130
    assert result.stderr.endswith("Detached; the task continues. Resume with:\n  headway watch t1 --cursor c1\n")
    assert all(request.method == "GET" for request in server.requests)


def test_watch_of_an_unreachable_server_is_lost(server: ScriptedServer) -> None:
    """Exit code 4, with the command that resumes."""

    def cut(request: httpx.Request) -> httpx.Response:
        if request.headers.get("last-event-id"):
            raise httpx.ConnectError("refused")
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=event(1))

    server.responses["GET /api/v1/tasks/t1/stream"] = cut
    result = headway("watch", "t1", "--patience", "0.01")
    assert result.exit_code == 4
    assert "cut off for 0.01 s" in result.stderr
    assert "Resume with: headway watch t1 --cursor c1" in result.stderr


def answer(text: str) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "application/json"}, text=text)


def test_big_numbers_are_exact_in_the_table_of_a_result(server: ScriptedServer) -> None:
    """With separators."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "kind": "own"})
    server.stream("GET /api/v1/tasks/t1/stream", event(1, "completed"))
    server.responses["GET /api/v1/tasks/t1/result"] = answer(
        '{"id":9007199254740993,"rows":[{"n":12345678901234567890}]}'
    )
    output = headway("watch", "t1").output
    assert "9,007,199,254,740,993" in output
    assert "12,345,678,901,234,567,890" in output
