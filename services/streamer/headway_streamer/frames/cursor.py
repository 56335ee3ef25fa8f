"""The cursor: the position of a watcher, as sent in the SSE `id`.

`<incarnation>.<seq>-<n>[.<seq>-<n> …][._<task>]`, numbers in hexadecimal: one pair per task, in the order of the sorted
task ids, and the task itself on the route where the URL does not name it. The stream sequence locates the
event, `n` verifies it. Instead of a pair, `x` means that nothing is proven of a task (a reset is due), `l` that it
begins at the latest progress. Only characters that do not force a CORS preflight:
https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte
"""

from __future__ import annotations

import re
from typing import NamedTuple

from headway.subjects import is_name

MAX_CURSOR_CHARS = 2048
_NUMBER = re.compile(r"[0-9a-f]{1,16}")
_INCARNATION = re.compile(r"[0-9a-z]{1,16}")


class Position(NamedTuple):
    """A place in one task's log: after the event with this stream sequence and this `n`. (0, 0) is the start."""

    seq: int = 0
    n: int = 0


START = Position()
UNPROVEN = Position(-1, -1)
"""The client's state of the task is not of this log, and the reset was not sent yet."""
LATEST = Position(-2, -2)
"""Nothing was sent: begin at the latest progress."""

_MARKS = {"x": UNPROVEN, "l": LATEST}
_MARK_OF = {position: mark for mark, position in _MARKS.items()}


class Cursor(NamedTuple):
    """A decoded cursor."""

    incarnation: str
    positions: tuple[Position, ...]
    task: str = ""


class MalformedCursorError(ValueError):
    """Text that is not a cursor."""


def encode(incarnation: str, positions: list[Position], task: str = "") -> str:
    """The SSE id for these positions."""
    parts = [incarnation, *(_MARK_OF.get(at) or f"{at.seq:x}-{at.n:x}" for at in positions)]
    if task:
        parts.append(f"_{task}")
    return ".".join(parts)


def decode(text: str) -> Cursor:
    """The cursor in `text`. Raises MalformedCursorError for anything that `encode` does not return."""
    if len(text) > MAX_CURSOR_CHARS:
        raise MalformedCursorError("too long")
    incarnation, *parts = text.split(".")
    task = ""
    if parts and parts[-1].startswith("_"):
        task = parts.pop()[1:]
        if not is_name(task):
            raise MalformedCursorError("not a task id")
    if not parts or not _INCARNATION.fullmatch(incarnation):
        raise MalformedCursorError("not a cursor")
    return Cursor(incarnation, tuple(_position(part) for part in parts), task)


def _position(part: str) -> Position:
    if part in _MARKS:
        return _MARKS[part]
    seq, dash, n = part.partition("-")
    if not (dash and _NUMBER.fullmatch(seq) and _NUMBER.fullmatch(n)):
        raise MalformedCursorError("not a position")
    return Position(int(seq, 16), int(n, 16))
