"""`headway logs` against a scripted server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.fixtures.pages import Block
from tests.fixtures.scripted_server import ScriptedServer, event, headway


def log(n: int, level: str, message: str) -> str:
    data = {"type": "log", "task": "t1", "n": n, "level": level, "message": message, "at": 1763690000.5}
    return f"event: log\nid: c{n}\ndata: {json.dumps(data)}\n\n"


LINES = [event(1), log(2, "info", "one"), log(3, "debug", "two"), log(4, "error", "three"), event(5)]


def test_logs_end_with_the_latest_event_without_follow(server: ScriptedServer) -> None:
    """The latest event at the time of the request."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c5"})
    server.stream("GET /api/v1/tasks/t1/stream", *LINES, log(6, "info", "later"))
    result = headway("logs", "t1")
    assert [line.partition("  ")[2] for line in result.stdout.splitlines()] == [
        "info: one",
        "debug: two",
        "error: three",
    ]
    assert re.match(r"\d\d:\d\d:\d\d  ", result.stdout)
    assert dict(server.requests[-1].url.params) == {"merge": "0"}


def test_logs_can_be_filtered_by_level_and_printed_as_json(server: ScriptedServer) -> None:
    """The data of each event unchanged."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c5"})
    server.stream("GET /api/v1/tasks/t1/stream", *LINES)
    shown = headway("logs", "t1", "--level", "info", "--json").stdout.splitlines()
    assert [json.loads(line)["message"] for line in shown] == ["one", "three"]


def test_followed_logs_end_with_the_task(server: ScriptedServer) -> None:
    """With exit code 0 for any outcome."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c2"})
    server.stream("GET /api/v1/tasks/t1/stream", *LINES, log(6, "info", "last"), event(7, "error"))
    result = headway("logs", "t1", "-f")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("info: last")


def test_logs_of_a_task_without_events_are_empty(server: ScriptedServer) -> None:
    """It is queued."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": ""})
    assert headway("logs", "t1").output == ""
    assert headway("logs", "nope").exit_code == 1


def test_documented_uses_of_results_and_logs_work(
    server: ScriptedServer, printed: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line of the block, for a task that has ended."""
    monkeypatch.chdir(tmp_path)
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c5"})
    server.stream("GET /api/v1/tasks/t1/stream", *LINES, event(6, "completed"))
    shown = [headway(*line.replace("ID", "t1").split()[1:]) for line in printed[0].commands]
    assert [result.exit_code for result in shown] == [0, 0, 0, 0]
    assert json.loads((tmp_path / "result.json").read_text()) == {"pages": 7}
    assert [len(result.stdout.splitlines()) for result in shown] == [1, 0, 3, 1]


def test_interrupted_logs_exit_with_130(server: ScriptedServer) -> None:
    def interrupt(request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    server.responses["GET /api/v1/tasks/t1"] = interrupt
    assert headway("logs", "t1", "-f").exit_code == 130


def test_logs_without_follow_end_when_no_event_arrives(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the last cursor is never seen."""
    monkeypatch.setattr("headway.cli.commands.logs.IDLE_TIMEOUT_SECONDS", 0.0)
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c5"})
    server.stream("GET /api/v1/tasks/t1/stream", *LINES)
    assert headway("logs", "t1").exit_code == 0


def test_logs_after_a_reset_are_reported_as_incomplete(server: ScriptedServer) -> None:
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c5"})
    reset = 'event: reset\nid: c1\ndata: {"task": "t1", "reason": "trimmed"}\n\n'
    server.stream("GET /api/v1/tasks/t1/stream", reset, *LINES[1:])
    assert headway("logs", "t1").stderr == "earlier log events are no longer kept\n"
