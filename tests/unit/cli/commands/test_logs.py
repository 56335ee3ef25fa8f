"""`headway logs` against a scripted server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.fixtures.pages import Block
from tests.fixtures.scripted_server import ScriptedServer, event, headway


def log(n: int, level: str, message: str) -> str:
    data = {"type": "log", "task": "t1", "n": n, "level": level, "message": message, "at": 1763690000.5}
    return f"event: log\nid: c{n}\ndata: {json.dumps(data)}\n\n"


LINES = [event(1), log(2, "info", "one"), log(3, "debug", "two"), log(4, "error", "three"), event(5)]


def test_logs_are_those_written_so_far(server: ScriptedServer) -> None:
    """Up to where the log ended when it was asked; a task that runs is not waited for."""
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


def test_logs_have_a_least_level_and_a_form_for_programs(server: ScriptedServer) -> None:
    """The data of each event as it came."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c5"})
    server.stream("GET /api/v1/tasks/t1/stream", *LINES)
    shown = headway("logs", "t1", "--level", "info", "--json").stdout.splitlines()
    assert [json.loads(line)["message"] for line in shown] == ["one", "three"]


def test_followed_logs_come_until_the_task_has_ended(server: ScriptedServer) -> None:
    """Exit code 0 however it ended: `watch` tells."""
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
