"""`track`: tqdm's loop, shown to whoever watches the task that the loop runs in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from headway.reporter import Reporter, current

T = TypeVar("T")

__all__ = ["current", "current_job", "track"]


def current_job() -> Reporter | None:
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
    """Yield `rows`; inside a task each one is counted as `Job.track` does it, elsewhere nothing happens.

    >>> sum(track(range(4), unit="rows"))
    6
    """
    job = current.get()
    if job is None:
        return iter(rows)
    return job.track(rows, total=total, unit=unit, message=message, initial=initial)
