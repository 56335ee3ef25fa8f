"""Headway: live progress of long-running work, over NATS and Server-Sent Events."""

from headway.errors import TaskCancelledError, TaskError
from headway.job import Job
from headway.task import task
from headway.track import current_job, track

__version__ = "0.1.0"

__all__ = ["Job", "TaskCancelledError", "TaskError", "__version__", "current_job", "task", "track"]
