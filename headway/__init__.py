"""Headway: live progress of long-running work, over NATS and Server-Sent Events."""

from headway.errors import TaskCancelledError, TaskError
from headway.job import Job
from headway.reporting.process import flush as flush_reports
from headway.reporting.report import report
from headway.reporting.reported_task import ReportedJob
from headway.task import task
from headway.track import current_job, track

__version__ = "0.1.0"

__all__ = [
    "Job",
    "ReportedJob",
    "TaskCancelledError",
    "TaskError",
    "__version__",
    "current_job",
    "flush_reports",
    "report",
    "task",
    "track",
]
