"""Why the processor stops a handler; the other reasons are in `headway.errors`."""

from __future__ import annotations

from headway.errors import LogError


class TimedOutError(LogError):
    """The attempt took longer than the timeout of its kind."""

    def __init__(self, task: str, timeout_seconds: float) -> None:
        super().__init__(f"task {task} took longer than {timeout_seconds:g} s")
        self.task = task
        self.timeout_seconds = timeout_seconds


class ShutdownError(LogError):
    """The processor hands the job back: it shuts down, or needs its place."""
