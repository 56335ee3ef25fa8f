"""Show the progress of `rich.progress` as that of tasks, also within libraries: `headway.rich.connect()`.

A `Progress` may have several tasks of its own, here called lines. The first line that is not finished is the count of
the task; lines that are added meanwhile are shown below it, and count together.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from headway import tqdm
from headway.hook import Hook
from headway.job import Job, current
from headway.progress.bar import Bar

__all__ = ["connect"]

logger = logging.getLogger(__name__)


def connect() -> ExitStack:
    """Show from now on what `rich.progress` shows within tasks: in handlers, and in blocks of `headway.report`.

    The first line of a `Progress` is the count of the task and its description the message; lines that are added before
    it is finished are shown below. The terminal shows them as before. When the task is to be cancelled, loops over
    `track` and calls of `advance` and `update` raise TaskCancelledError, as loops of `headway.track` do.

    Returns what undoes it, by ``close()`` or as a context manager. Raises ImportError when rich is not installed.
    """
    try:
        from rich.progress import Progress
    except ImportError as error:
        raise ImportError(
            "headway.rich shows the progress of rich, which is not installed: pip install rich"
        ) from error
    undo = ExitStack()
    undo.enter_context(_ADD_TASK.connect(Progress))
    undo.enter_context(_TRACK.connect(Progress))
    return undo


class Lines:
    """The lines of one `Progress`. Its methods may be called from any thread."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._bars: dict[int, Bar] = {}
        self._lock = threading.RLock()

    def show(self, line: Any) -> None:
        """Note how far a line is. One that is finished ends, and may begin again."""
        texts: dict[str, Any] = {"total": line.total, "message": _plain(line.description)}
        with self._lock:
            bar = self._bars.get(line.id)
            if bar is None and not line.finished:
                outer = next(iter(self._bars.values()), None)
                self._bars[line.id] = self._job.bar(initial=line.completed, within=outer, **texts)
            elif bar is not None:
                bar.describe(**texts)
                bar.move(line.completed)
                if line.finished:
                    self.end(line.id)

    def end(self, line: int) -> None:
        """End a line; the others go on."""
        with self._lock:
            if (bar := self._bars.pop(line, None)) is not None:
                bar.close()

    def end_all(self) -> None:
        """End all lines."""
        for line in list(self._bars):
            self.end(line)

    def check(self) -> None:
        """Raise TaskCancelledError when the work of this context should end."""
        if current.get() is self._job:
            self._job.raise_if_cancelled()


def _plain(description: str) -> str | None:
    from rich.errors import MarkupError
    from rich.text import Text

    try:
        return Text.from_markup(description).plain or None
    except MarkupError:
        return description


def _add_task(own: Callable[..., Any]) -> Callable[..., Any]:
    def add_task(self: Any, *args: Any, **options: Any) -> Any:
        line = own(self, *args, **options)
        if _ADD_TASK.active and _lines(self) is None and (job := current.get()) is not None and not _is_of_tqdm(self):
            self.__dict__["headway"] = Lines(job)
            kind: Any = type(self)
            self.__class__ = _captured(kind)
        _show(self, line)
        return line

    return add_task


def _track(own: Callable[..., Iterable[Any]]) -> Callable[..., Iterable[Any]]:
    def track(self: Any, *args: Any, **options: Any) -> Iterable[Any]:
        rows, job = own(self, *args, **options), current.get()
        return rows if job is None or not _TRACK.active else _until_cancelled(rows, job)

    return track


_ADD_TASK = Hook("add_task", _add_task)
_TRACK = Hook("track", _track)


def _until_cancelled(rows: Iterable[Any], job: Job) -> Iterator[Any]:
    for row in rows:
        job.raise_if_cancelled()
        yield row


def _is_of_tqdm(progress: Any) -> bool:
    """Whether `tqdm.rich` shows a bar with it, which is shown as a bar of tqdm."""
    return tqdm.HOOK.active and any(type(column).__module__ == "tqdm.rich" for column in progress.columns)


def _lines(progress: Any) -> Lines | None:
    lines: Lines | None = progress.__dict__.get("headway")
    return lines


def _show(progress: Any, line: int) -> None:
    lines = _lines(progress)
    found = next((one for one in progress.tasks if one.id == line), None)
    if lines is not None and found is not None:
        try:
            lines.show(found)
        except Exception:
            logger.exception("progress of rich is not shown", extra={"action": "bar_not_shown"})


@functools.lru_cache(100)
def _captured(kind: Any) -> Any:
    """The class of a captured `Progress` that was made with the class `kind`."""

    class Captured(kind):  # type: ignore[misc]
        def update(self, task_id: Any, **options: Any) -> None:
            super().update(task_id, **options)
            _show(self, task_id)
            self.headway.check()

        def advance(self, task_id: Any, advance: float = 1) -> None:
            super().advance(task_id, advance)
            _show(self, task_id)
            self.headway.check()

        def reset(self, task_id: Any, **options: Any) -> None:
            super().reset(task_id, **options)
            self.headway.end(task_id)
            _show(self, task_id)

        def stop_task(self, task_id: Any) -> None:
            super().stop_task(task_id)
            self.headway.end(task_id)

        def remove_task(self, task_id: Any) -> None:
            super().remove_task(task_id)
            self.headway.end(task_id)

        def stop(self) -> None:
            super().stop()
            self.headway.end_all()

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(Captured, name, getattr(kind, name))
    return Captured
