"""Why the processor itself stops a handler; the other reasons stand in `headway.errors`."""

from __future__ import annotations

from headway.errors import LogError


class TimedOutError(LogError):
    """The attempt has taken longer than its kind allows."""

    def __init__(self, task: str, timeout_seconds: float) -> None:
        super().__init__(f"task {task} took longer than {timeout_seconds:g} s")
        self.task = task
        self.timeout_seconds = timeout_seconds


class ShutdownError(LogError):
    """The processor shuts down and hands the job to another one."""
