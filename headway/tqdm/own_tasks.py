"""Bars of tqdm outside of any task, each as a task of its own."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakSet

from headway.current import current
from headway.job import Job
from headway.reporting.report import report
from headway.subjects import check_kind, kind_of

SETTLE_SECONDS = 1.0
"""A loop that is left does not know whether by `break` or by an exception. So much later Python has noted an exception
that nobody handled, and what has none was left on purpose."""


class OwnTask:
    """The task of one bar.

    Args:
        kind: of the task.
        title: what people see.
    """

    def __init__(self, kind: str, title: str) -> None:
        self._report = report(kind, kind=kind, title=title)
        self._before = _unhandled()
        self.job = self._report.begin()
        current.set(self.job)
        _open.add(self)

    def end(self, error: BaseException | None, left: bool) -> None:
        """The bar has ended: `error` was raised by its loop or block, or its loop was `left` before its end."""
        if current.get() is self.job:
            current.set(None)
        if error is None and left:
            timer = threading.Timer(SETTLE_SECONDS, self.settle)
            timer.daemon = True
            timer.start()
        else:
            self._end(error)

    def settle(self) -> None:
        """End the task, in error if an exception was not handled since it began."""
        error = _unhandled()
        self._end(None if error is self._before else error)

    def _end(self, error: BaseException | None) -> None:
        _open.discard(self)
        _ended.add(self.job)
        self._report.end(error)


class OwnTasks:
    """Makes a task of each bar that belongs to none. Those of `multiprocessing` have theirs in the parent.

    Args:
        kind: of the tasks (default: the name of the script).

    Raises InvalidNameError for a kind that is none.
    """

    def __init__(self, kind: str) -> None:
        self._kind = check_kind(kind) if kind else kind_of(_script())

    def begin(self, job: Job | None, given: Mapping[str, Any]) -> OwnTask | None:
        """The task of a bar that was made with the arguments `given`; None if it belongs to a `job` already."""
        if (job is not None and job not in _ended) or _is_child():
            return None
        description = str(given.get("desc") or "").strip().removesuffix(":")
        return OwnTask(self._kind, description or self._kind)

    def settle(self) -> None:
        """End the tasks whose bars have not ended."""
        _settle_all()


_open: set[OwnTask] = set()
_ended: WeakSet[Job] = WeakSet()
"""Jobs that may still be those of a context: a bar can end in another one."""


def _settle_all() -> None:
    for task in list(_open):
        task.settle()


def _unhandled() -> BaseException | None:
    """The last exception that nobody handled: Python notes it before it ends, and so do interactive ones."""
    error: BaseException | None = getattr(sys, "last_value", None)
    return error


def _script() -> str:
    name = Path(sys.argv[0] if sys.argv else "").stem
    return "tqdm" if name in ("", "-c", "ipykernel_launcher") else name


def _is_child() -> bool:
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None


atexit.register(_settle_all)  # after `headway.reporting.process` was loaded, so that it runs before the flush
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open.clear)  # they are the parent's
