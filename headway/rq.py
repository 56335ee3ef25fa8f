"""Report the jobs of RQ as tasks. Jobs are enqueued with the `Queue` of this module, and run by one of its workers:

.. code-block:: sh

    rq worker --worker-class headway.rq.Worker

The task has the id of the job. What a job stores with ``job.save_meta()`` is its progress, and `headway.current_job()`
and `headway.track` are those of its task.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import rq
from rq import worker as workers
from rq.command import send_stop_job_command
from rq.exceptions import DeserializationError, InvalidJobOperation, NoSuchJobError
from rq.job import JobStatus

from headway import log_capture
from headway.errors import TaskCancelledError
from headway.events import ErrorInfo
from headway.reporting.foreign_ids import task_id
from headway.reporting.queue_job import QueueJob, logged
from headway.reporting.queue_run import Run, begin, flush

if TYPE_CHECKING:
    from rq.executions import Execution
    from rq.worker.base import BaseWorker
else:
    BaseWorker = object

__all__ = ["Job", "Queue", "ReportingMixin", "SimpleWorker", "SpawnWorker", "Worker"]

log_capture.leave_out("rq")


class Job(rq.job.Job):
    """A job whose task is cancelled with it."""

    def cancel(self, *args: Any, **options: Any) -> Any:
        """Cancel the job while it waits, as RQ does, and its task."""
        done = super().cancel(*args, **options)
        _described(self).ended(cancelled="")
        return done


class Queue(rq.Queue):
    """A queue whose jobs are reported from when they are enqueued.

    ``meta={"title": …, "tags": […]}`` is what people see and find a task by; else its description, where one is given.
    A job that is enqueued by another is a part of it; one that depends on others, of the first of these.
    """

    job_class = Job

    def create_job(self, *args: Any, **options: Any) -> rq.job.Job:
        """Create a job, as all methods that enqueue do, and open its task."""
        return self._opened(super().create_job(*args, **options))

    def enqueue_job(self, job: rq.job.Job, *args: Any, **options: Any) -> rq.job.Job:
        """Enqueue a job that the caller has created."""
        return super().enqueue_job(self._opened(job), *args, **options)

    def _opened(self, job: rq.job.Job) -> rq.job.Job:
        if not getattr(job, "_headway_opened", False):
            job._headway_opened = True  # type: ignore[attr-defined]
            _described(job).submit()
        return job


class ReportingMixin(BaseWorker):
    """Reports the jobs of a worker. Put it before the class of another worker to report its jobs:

    .. code-block:: python

        class Worker(headway.rq.ReportingMixin, rq.worker.RoundRobinWorker): ...
    """

    stop_seconds = 5.0
    """How long a job whose task was cancelled may take to end, before RQ's command to stop it kills its process."""

    _run: Run | None = None
    _error: BaseException | None = None

    def perform_job(self, job: rq.job.Job, queue: rq.Queue, execution: Execution) -> bool:
        """Perform a job, and store its reports before the process ends."""
        try:
            return super().perform_job(job, queue, execution)
        finally:
            self._run = self._error = None
            if self.is_horse:
                flush()

    def prepare_job_execution(self, job: rq.job.Job, *args: Any, **options: Any) -> None:
        """Begin an attempt. A job whose task was cancelled while it waited becomes a stopped one."""
        super().prepare_job_execution(job, *args, **options)
        self._run = run = begin(_described(job), partial(self._stop, job))
        if run.cancelled_before:
            self._stopped_job_id = job.id
            raise TaskCancelledError("cancelled before it began")
        run.enter()
        job.save_meta = partial(self._save_meta, job, run, job.save_meta)  # type: ignore[method-assign]

    def handle_job_success(self, *args: Any, **options: Any) -> None:
        """The job has returned a result."""
        self._leave()
        super().handle_job_success(*args, **options)
        if self._run is not None:
            self._run.end(result=_job(args, options)._result)

    def handle_job_retry(self, *args: Any, **options: Any) -> None:
        """The job has returned a `Retry`."""
        self._leave()
        super().handle_job_retry(*args, **options)
        if self._run is not None:
            failed = _job(args, options).get_status(refresh=False) == JobStatus.FAILED
            self._run.end(ErrorInfo("Retry", "the job asked to be run again"), will_retry=not failed)

    def handle_exception(self, job: rq.job.Job, *exc_info: Any) -> None:
        """The job has raised: keep the error, and let RQ neither retry nor fail a job that was cancelled."""
        self._leave()
        self._error = exc_info[1]
        if self._run is not None and self._run.reason is not None and isinstance(self._error, TaskCancelledError):
            self._stopped_job_id = job.id
        super().handle_exception(job, *exc_info)

    def handle_job_failure(self, *args: Any, **options: Any) -> None:
        """The job has failed, in this process or with the one that ran it."""
        job = _job(args, options)
        stopped = self._stopped_job_id == job.id
        will_retry = job.should_retry and not stopped
        super().handle_job_failure(*args, **options)
        if self._run is not None:
            self._run.end(self._error, will_retry=will_retry)
        elif stopped:
            _described(job).ended(cancelled="stopped")
        else:
            lost = ErrorInfo("Lost", options.get("exc_string", "the process of the job was killed"))
            _described(job).ended(lost, will_retry=will_retry)

    def _leave(self) -> None:
        if self._run is not None:
            self._run.leave()

    def _stop(self, job: rq.job.Job, reason: str) -> None:
        timer = threading.Timer(self.stop_seconds, self._kill, (job,))
        timer.daemon = True
        timer.start()

    def _kill(self, job: rq.job.Job) -> None:
        with logged():
            try:
                send_stop_job_command(self.connection, job.id, serializer=self.serializer)
            except (InvalidJobOperation, NoSuchJobError):
                return  # it has ended meanwhile

    def _save_meta(self, job: rq.job.Job, run: Run, save: Any) -> None:
        save()
        run.show(job.meta)


class Worker(ReportingMixin, workers.Worker):
    """`rq.worker.Worker`, with reports."""


class SimpleWorker(ReportingMixin, workers.SimpleWorker):
    """`rq.worker.SimpleWorker`, with reports. It cannot stop a job that does not look whether it is cancelled."""


class SpawnWorker(ReportingMixin, workers.SpawnWorker):
    """`rq.worker.SpawnWorker`, with reports."""


def _job(args: tuple[Any, ...], options: dict[str, Any]) -> rq.job.Job:
    """The job among the arguments of a method of the worker."""
    job: rq.job.Job = args[0] if args else options["job"]
    return job


def _described(job: rq.job.Job) -> QueueJob:
    try:
        name = job.func_name or "job"
        title = job.meta.get("title") or (job.description if job.description != job.get_call_string() else "")
    except DeserializationError:
        return QueueJob(job.id, "job")
    parent = task_id(job._dependency_ids[0]) if job._dependency_ids else ""
    return QueueJob(job.id, name, str(title or ""), job.meta.get("tags") or (), parent)
