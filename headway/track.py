"""`track`: tqdm's loop, shown to whoever watches the task that the loop runs in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TypeVar

from headway.reporter import Reporter

T = TypeVar("T")

current: ContextVar[Reporter | None] = ContextVar("headway_job", default=None)
"""The job of the handler that runs in this context. Threads started with `asyncio.to_thread` inherit it."""


def current_job() -> Reporter | None:
    """The job of the handler that is running here, or None outside of a task."""
    return current.get()


def track(rows: Iterable[T], *, total: float | None = None, unit: str | None = None) -> Iterator[T]:
    """Yield `rows`; inside a task each one advances its bar, elsewhere nothing happens.

    >>> sum(track(range(4), unit="rows"))
    6
    """
    job = current.get()
    return iter(rows) if job is None else job.track(rows, total=total, unit=unit)
