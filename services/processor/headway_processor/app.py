"""The processor: connects its parts, runs them, and shuts them down in order."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial

from headway import __version__
from headway.children.children import Stores as ChildStores
from headway.children.kinds import KnownKinds
from headway.errors import UnavailableError
from headway.eventlog.jetstream_log import JetStreamLog
from headway.eventlog.log import Log
from headway.executor import ContextThreadPoolExecutor
from headway.jetstream import provision
from headway.jetstream.checkpoints import CheckpointStore
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.deletions import Deletions
from headway.jetstream.file_store import FileStore
from headway.jetstream.job_queue import JetStreamJobQueue
from headway.jetstream.kv import Bucket
from headway.jetstream.purge import Purger
from headway.jetstream.queued_jobs import QueuedJobs
from headway.jetstream.results import ResultStore
from headway.kind import Registry
from headway.log_capture import captured_logging
from headway.records import ProcessorRecord
from headway.service.supervisor import run_until_first_ends
from headway.submission import Submission
from headway_processor import kinds_publisher, lease, lost_reports, ops
from headway_processor.attempts.print_capture import captured_print
from headway_processor.context import RunContext
from headway_processor.deletion.file_remover import FileRemover
from headway_processor.deletion.removal import TaskRemoval
from headway_processor.deletion.remover import Stores, TaskRemover
from headway_processor.jobs import backlog
from headway_processor.jobs.dead_letters import JetStreamDeadLetters
from headway_processor.jobs.puller import Puller
from headway_processor.jobs.scheduled import ScheduledJobs
from headway_processor.jobs.unknown_kinds import Parts as UnknownParts
from headway_processor.jobs.unknown_kinds import UnknownKinds
from headway_processor.lost_reports import LostReports
from headway_processor.metrics import CONTENT_TYPE, PrometheusMetrics
from headway_processor.ops import Response
from headway_processor.processes.cpus import usable_cpus
from headway_processor.processes.pool import Pool
from headway_processor.processes.spawned import spawn
from headway_processor.settings import Settings
from headway_processor.shutdown import RunningJobs
from headway_processor.slots import Slots
from headway_processor.worker import Worker

NAME = "processor"
"""Name of the connection and of its inboxes, which NATS permissions contain."""

logger = logging.getLogger(__name__)


class Processor:
    """Runs the jobs of `kinds` until `stop`. Call `run` once.

    Processes for handlers load `kinds` and read their settings from `environ`.
    """

    def __init__(
        self, settings: Settings, nats: NatsSettings, kinds: Registry, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.ops_port = 0
        """Port of /livez, /readyz and /metrics, once they are served."""
        self._settings = settings
        self._kinds = kinds
        self._connection = Connection(nats, NAME)
        self._metrics = PrometheusMetrics(lambda: self._connection.connected)
        self._running = RunningJobs()
        self._processes = Pool(
            partial(spawn, environ), tasks=settings.process_tasks, memory_bytes=settings.process_memory_bytes
        )
        self._slots = Slots(settings.concurrency)
        self._workers: list[Worker] = []
        self._since = round(time.time(), 3)
        self._stopping = asyncio.Event()
        self._published = asyncio.Event()
        """Set when the kinds are published for the streamers."""

    def stop(self) -> None:
        """Pull no more jobs, wait for handlers within the grace period, hand the other jobs back, and end."""
        self._stopping.set()

    @property
    def ready(self) -> bool:
        """Whether the kinds are published, jobs of all of them could arrive at some time, and no shutdown has begun.

        The state of NATS does not count: all replicas share it, and it has a metric and an alert of its own.
        """
        bound = bool(self._workers) and all(worker.was_bound for worker in self._workers)
        return bound and self._published.is_set() and not self._stopping.is_set()

    async def run(self) -> bool:
        """Run until `stop`. Return False when the connection to NATS was closed permanently. Raises SettingsError."""
        routes = {"/livez": _live, "/readyz": self._readiness, "/metrics": self._exposition}
        # So that a handler's `loop.run_in_executor(None, …)` knows its task; asyncio shuts the executor down.
        asyncio.get_running_loop().set_default_executor(ContextThreadPoolExecutor(thread_name_prefix="asyncio"))
        async with AsyncExitStack() as stack:
            stack.enter_context(captured_logging(self._settings.task_log_level))
            stack.enter_context(captured_print(wanted=any(kind.capture_print for kind in self._kinds)))
            serving = ops.serve(self._settings.ops_host, self._settings.ops_port, routes)
            self.ops_port = await stack.enter_async_context(serving)
            stack.push_async_callback(self._connection.close)
            if await run_until_first_ends({"stop": self._stopping.wait(), "open": self._open()}) == "stop":
                return True
            try:
                return await run_until_first_ends(self._roots()) == "stop"
            finally:
                await self._shut_down()

    async def _open(self) -> None:
        await self._connection.open()
        js = self._connection.client.jetstream()
        names, settings = self._connection.names, self._connection.settings
        await provision.ensure_patiently(js, names, settings)
        with suppress(UnavailableError):
            await provision.report_other_ages(js, names, settings)

    async def _shut_down(self) -> None:
        self._stopping.set()
        logger.info("the processor shuts down", extra={"action": "shutdown", "jobs": len(self._running)})
        # Without a connection nothing that the handlers report can be stored.
        await self._running.drain(0.0 if self._connection.closed.is_set() else self._settings.grace_seconds)
        await self._processes.close()

    def _roots(self) -> dict[str, Coroutine[None, None, object]]:
        client, names = self._connection.client, self._connection.names
        js = client.jetstream()
        log, deletions, results = JetStreamLog(client, names), Deletions(client, names), ResultStore(client, names)
        submission = Submission(Bucket(client, names.tasks_bucket), JetStreamJobQueue(client, names), log)
        files = FileStore(client, names)
        context = RunContext(
            log,
            JetStreamDeadLetters(client, names),
            results,
            CheckpointStore(client, names),
            deletions,
            self._processes,
            self._settings,
            self._metrics,
            ChildStores(log, submission, KnownKinds(Bucket(client, names.kinds_bucket)), results),
            lambda: self._connection.connected,
            self._connection.on_reconnect,
            files=files,
        )
        process_slots = asyncio.Semaphore(self._settings.processes or usable_cpus())
        pullers: dict[str, Puller] = {}
        for kind in self._kinds:
            config = provision.job_consumer(
                names, kind.name, ack_wait_seconds=self._settings.ack_wait_seconds, concurrency=kind.concurrency
            )
            puller = pullers[kind.name] = Puller(self._connection, config)
            processes = process_slots if kind.executor == "process" else None
            self._workers.append(Worker(kind, puller, context, self._running, self._slots, processes))
        logger.info("the processor starts", extra={"action": "start", "kinds": [kind.name for kind in self._kinds]})
        stores = Stores(deletions, TaskRemoval(client, names, log), Bucket(client, names.kinds_bucket))
        records = [kind.record() for kind in self._kinds]
        return {
            "stop": self._stopping.wait(),
            "nats": self._connection.closed.wait(),
            "streams": provision.keep_ensured(self._connection),
            "catalogue": kinds_publisher.keep_published(js, names, records, self._published),
            "lease": lease.keep_renewed(self._connection, self._describe),
            "removal": TaskRemover(stores, self._metrics).keep_removed(),
            "files": FileRemover(files, Purger(client).purge).keep_removed(),
            "lost reports": self._lost_reports(log).keep_ended(),
            "unknown kinds": self._unknown_kinds(log).keep_ended(),
            "scheduled": self._scheduled().keep_queued(),
            "backlog": backlog.count_pending(pullers, self._metrics),
            **{f"worker {worker.kind.name}": worker.run() for worker in self._workers},
        }

    def _describe(self) -> ProcessorRecord:
        return ProcessorRecord(
            kinds=[kind.name for kind in self._kinds],
            name=socket.gethostname(),
            version=__version__,
            since=self._since,
            slots=self._settings.concurrency,
            running=len(self._running) - self._slots.lent,
            abandoned=self._metrics.handlers_abandoned,
            renewed=round(time.time(), 3),
        )

    def _lost_reports(self, log: Log) -> LostReports:
        client, names = self._connection.client, self._connection.names
        leases, records = Bucket(client, names.reporters_bucket), Bucket(client, names.tasks_bucket)
        stores = lost_reports.Stores(log, leases, records, self._purge_of(names.reporters_bucket))
        return LostReports(stores, self._settings.reporter_lost_seconds)

    def _unknown_kinds(self, log: Log) -> UnknownKinds:
        client, names = self._connection.client, self._connection.names
        catalogue, dead_letters = Bucket(client, names.kinds_bucket), JetStreamDeadLetters(client, names)
        parts = UnknownParts(QueuedJobs(client, names), catalogue, log, dead_letters, self._metrics)
        own = {kind.name for kind in self._kinds}
        return UnknownKinds(parts, own, self._settings.unknown_kind_seconds)

    def _scheduled(self) -> ScheduledJobs:
        client, names = self._connection.client, self._connection.names
        bucket = names.scheduled_bucket
        return ScheduledJobs(Bucket(client, bucket), JetStreamJobQueue(client, names), self._purge_of(bucket))

    def _purge_of(self, bucket: str) -> Callable[[str, int], Coroutine[None, None, None]]:
        """What removes the entry of a key from a bucket, up to a sequence."""
        purge = Purger(self._connection.client).purge

        async def remove(key: str, seq: int) -> None:
            await purge(f"KV_{bucket}", f"$KV.{bucket}.{key}", seq + 1)

        return remove

    def _readiness(self, query: str) -> Response:
        text = self._details() if query.startswith("verbose") else "ready\n" if self.ready else "not ready\n"
        return Response(200 if self.ready else 503, text.encode())

    def _details(self) -> str:
        bound = sum(worker.bound for worker in self._workers)
        return (
            f"nats connected: {self._connection.state}\n"
            f"kinds bound: {bound} of {len(self._kinds)}\n"
            f"stopping: {'yes' if self._stopping.is_set() else 'no'}\n"
            f"jobs: {len(self._running)}\n"
            f"handlers that did not stop: {self._metrics.handlers_abandoned}\n"
        )

    def _exposition(self, _: str) -> Response:
        return Response(200, self._metrics.exposition(), CONTENT_TYPE)


def _live(_: str) -> Response:
    # Also while NATS is unreachable: a restart would not repair it, and would end the running handlers.
    return Response(200, b"alive\n")
