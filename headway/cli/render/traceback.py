"""Tracebacks of failed attempts, formatted for a terminal. No I/O."""

from __future__ import annotations

import re

from headway.cli.render.text import one_line, plain

_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+), in (?P<function>.*)$', re.MULTILINE)


def last_frame(traceback: object) -> str:
    """Format the innermost frame of a traceback; empty if there is none.

    >>> last_frame('Traceback (most recent call last):\\n  File "a.py", line 3, in f\\nKeyError')
    'a.py, line 3, in f'
    """
    frames = list(_FRAME.finditer(str(traceback or "")))
    if not frames:
        return ""
    last = frames[-1]
    return one_line(f"{last['file']}, line {last['line']}, in {last['function']}")


def failure_lines(data: dict[str, object], *, full: bool) -> list[str]:
    """Return the lines to print for a failed attempt: its last frame, or the traceback if `full`."""
    error = data.get("error")
    traceback = error.get("traceback") if isinstance(error, dict) else None
    if not isinstance(traceback, str) or not (frame := last_frame(traceback)):
        return []
    head = f"attempt {data.get('attempt', '')} failed in {frame}"
    return [head, *plain(traceback).split("\n")] if full else [head]
