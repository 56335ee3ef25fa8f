"""Where an attempt failed, in a terminal: one line, or all of it. No I/O."""

from __future__ import annotations

import re

from headway.cli.render.text import one_line, plain

_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+), in (?P<function>.*)$', re.MULTILINE)


def place(traceback: object) -> str:
    """The innermost frame of a traceback; empty when there is none.

    >>> place('Traceback (most recent call last):\\n  File "a.py", line 3, in f\\nKeyError')
    'a.py, line 3, in f'
    """
    frames = list(_FRAME.finditer(str(traceback or "")))
    if not frames:
        return ""
    last = frames[-1]
    return one_line(f"{last['file']}, line {last['line']}, in {last['function']}")


def failure_lines(data: dict[str, object], *, whole: bool) -> list[str]:
    """What is printed of a failed attempt, besides its message: where it failed."""
    error = data.get("error")
    traceback = error.get("traceback") if isinstance(error, dict) else None
    if not isinstance(traceback, str) or not (where := place(traceback)):
        return []
    head = f"attempt {data.get('attempt', '')} failed in {where}"
    return [head, *plain(traceback).split("\n")] if whole else [head]
