"""The job of the running code. Loads almost nothing, as libraries import `track` for loops that may be in no task."""

from __future__ import annotations

from contextvars import ContextVar
from weakref import WeakSet

TYPE_CHECKING = False  # as in `typing`, which takes long to load
if TYPE_CHECKING:
    from headway.job import Job
    from headway.lifecycle import JobLifecycle

current: ContextVar[Job | None] = ContextVar("headway_job", default=None)
"""The job of the handler that runs in this context; `asyncio.to_thread` passes it on."""

running: WeakSet[JobLifecycle] = WeakSet()
"""The attempts that are between `start` and their end in this process."""
