"""The traceback of an exception in Python's own form, with files, lines and functions alone.

Values, source lines and messages are left out, as any of them may hold what watchers must not read. The processor's own
log has the complete traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import TracebackType

MAX_FRAMES = 30
MAX_PARTS = 8
MAX_CHARS = 8000
"""Limit of the whole text. The exception that was raised last is at the end, which is kept."""

_OWN = ("headway_processor.attempts.executor", "headway.celery.working", "celery.app.trace", "celery.app.task")
_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"


def backtrace(error: BaseException) -> str:
    """Return the traceback of `error`, its causes and its context, at most MAX_CHARS long; empty when there is none."""
    parts: list[str] = []
    _add(error, parts, set())
    text = "\n\n".join(parts)
    return text if len(text) <= MAX_CHARS else "…" + text[-MAX_CHARS + 1 :]


def _add(error: BaseException, parts: list[str], seen: set[int]) -> None:
    seen.add(id(error))
    before, word = error.__cause__, _CAUSE
    if before is None and not error.__suppress_context__:
        before, word = error.__context__, _CONTEXT
    if before is not None and id(before) not in seen and len(seen) < MAX_PARTS:
        _add(before, parts, seen)
        parts.append(word)
    parts.append(_part(error))
    if isinstance(error, BaseExceptionGroup):
        for leaf in error.exceptions:
            if len(seen) >= MAX_PARTS:
                parts.append("… more errors in the group")
                break
            if id(leaf) not in seen:
                parts.append("In the group:")
                _add(leaf, parts, seen)


def _part(error: BaseException) -> str:
    frames = list(_frames(error.__traceback__))
    left_out = len(frames) - MAX_FRAMES
    if left_out > 0:
        frames[MAX_FRAMES // 3 : MAX_FRAMES // 3 + left_out] = [f"  … {left_out} frames left out"]
    head = ["Traceback (most recent call last):"] if frames else []
    return "\n".join([*head, *frames, _clean(type(error).__qualname__)])


def _frames(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        code, module = trace.tb_frame.f_code, trace.tb_frame.f_globals.get("__name__")
        if module not in _OWN:
            yield f'  File "{_clean(_short(code.co_filename))}", line {trace.tb_lineno}, in {_clean(code.co_qualname)}'
        trace = trace.tb_next


@lru_cache(1024)
def _short(file: str) -> str:
    """Return `file` relative to the entry of sys.path that contains it: without the directories of this machine."""
    if file.startswith("<"):
        return file
    roots = [root for root in map(os.path.abspath, sys.path) if file.startswith(root.rstrip(os.sep) + os.sep)]
    return os.path.relpath(file, max(roots, key=len)) if roots else Path(file).name


def _clean(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:300]
