"""Report the tasks of a Celery app, without an edit to them: `connect(app)`."""

from headway.celery.connection import ProgressTask, connect

__all__ = ["ProgressTask", "connect"]
