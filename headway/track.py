"""`track`: a loop whose progress is shown to the people who watch its task."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from headway.current import current, running

TYPE_CHECKING = False  # as in `typing`, which takes long to load
if TYPE_CHECKING:
    from typing import TypeVar

    from headway.job import Job

    T = TypeVar("T")

__all__ = ["current", "current_job", "track"]


def current_job() -> Job | None:
    """The job of the handler that is running here, or None outside of a task."""
    return current.get()


def track(
    rows: Iterable[T],
    *,
    total: float | None = None,
    unit: str | None = None,
    message: str | None = None,
    initial: float = 0,
) -> Iterator[T]:
    """Yield `rows`. Inside a task each one is counted as `Job.track` does; elsewhere it only yields.

    >>> sum(track(range(4), unit="rows"))
    6
    """
    job = current.get()
    if job is None:
        if running and not _warned:
            _warn()
        return iter(rows)
    return job.track(rows, total=total, unit=unit, message=message, initial=initial)


_warned: list[str] = []
"""The thread for which the warning was logged. Once is enough: all later ones would have the same cause."""


def _warn() -> None:
    """While tasks run here, a loop outside of them may belong to one, in a thread that does not know which."""
    import logging
    import threading

    _warned.append(threading.current_thread().name)
    logging.getLogger(__name__).warning(
        "track runs beside tasks and does not find one, so that its loop is not shown. If it belongs to a task: start"
        " threads with asyncio.to_thread or headway.executor.ContextThreadPoolExecutor, or call job.track; a child"
        " process cannot report",
        extra={"action": "track_without_task", "thread_name": _warned[-1]},
    )


def _forget() -> None:
    """In a child process nothing that is reported is stored: its loops only yield."""
    _warned.clear()
    current.set(None)
    for lifecycle in running:
        lifecycle.detach()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
