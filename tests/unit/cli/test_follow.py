"""The state of a watch and the commands that resume it."""

from __future__ import annotations

import pytest

from headway.cli.follow import WatchState, detach_message, resume_command
from headway.client.event_stream import Watched

SERVER = "http://127.0.0.1:8000"


def ended(task: str, status: str, cursor: str = "c1") -> Watched:
    return Watched("progress", {"task": task, "status": status}, cursor)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["completed", "completed"], 0),
        (["completed", "cancelled"], 3),
        (["cancelled", "error"], 1),
        (["error"], 4),
    ],
)
def test_exit_code_is_that_of_the_worst_outcome(outcomes: list[str], code: int) -> None:
    """A task without an outcome is lost."""
    state = WatchState(["t0", "t1"])
    for number, status in enumerate(outcomes):
        state.update(ended(f"t{number}", status))
    assert state.exit_code == code


def test_task_named_twice_is_followed_once() -> None:
    assert WatchState(["t1", "t2", "t1"]).tasks == ["t1", "t2"]


def test_reset_removes_the_outcome() -> None:
    """The events are sent again."""
    state = WatchState(["t1"])
    state.update(ended("t1", "completed"))
    state.update(Watched("reset", {"task": "t1"}, ""))
    assert state.outcomes == {}
    assert state.cursor == "c1"


def test_resume_command_has_the_cursor_of_the_latest_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWAY_SERVER", raising=False)
    state = WatchState(["t1", "t2"])
    assert resume_command(SERVER, state) == "headway watch t1 t2"
    state.update(ended("t1", "completed"))
    assert detach_message(SERVER, state) == (
        "\nDetached; the tasks continue. Resume with:\n  headway watch t1 t2 --cursor c1"
    )
