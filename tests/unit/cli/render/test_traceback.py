"""Tracebacks of failed attempts."""

from __future__ import annotations

import pytest

from headway.cli.render.traceback import failure_lines

TRACE = (
    'Traceback (most recent call last):\n  File "a.py", line 3, in f\n  File "b.py", line 4, in g.<locals>.h\nKeyError'
)


def failed(traceback: object) -> dict[str, object]:
    return {"attempt": 2, "error": {"type": "KeyError", "message": "k", "traceback": traceback}}


def test_last_frame_is_printed_in_one_line() -> None:
    assert failure_lines(failed(TRACE), full=False) == ["attempt 2 failed in b.py, line 4, in g.<locals>.h"]


def test_full_traceback_is_printed_on_request() -> None:
    """Without control characters."""
    lines = failure_lines(failed(TRACE + "\x1b[2J"), full=True)
    assert lines[1:] == [*TRACE.split("\n")[:-1], "KeyError[2J"]


@pytest.mark.parametrize("error", [None, {}, {"type": "Lost", "message": "m"}, {"traceback": 7}, {"traceback": "Lost"}])
def test_failure_without_a_frame_prints_nothing(error: object) -> None:
    assert failure_lines({"error": error}, full=True) == []
