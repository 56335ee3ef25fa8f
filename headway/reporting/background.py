"""The event loop of a process's reports, in a thread of its own, with one connection to NATS."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Any

from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import ErrorInfo, Status
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.kv import Bucket
from headway.outbox import Home
from headway.progress.pending import Room
from headway.records import TaskRecord
from headway.reporting.from_outside import end_task, submit_task
from headway.reporting.reported_task import OnStop, Origin, ReportedTask, Stores
from headway.reporting.reporter_lease import ReporterLease
from headway.reporting.roll_up import Batched, RollUp
from headway.reporting.settings import ReportSettings

NAME = "reporter"
"""Name of the connection, and so the prefix of its inboxes, which the role's permissions name."""

logger = logging.getLogger(__name__)


class Background:
    """Runs the reports of this process. The thread is started at once; NATS may be unreachable however long.

    Args:
        nats: address and credentials of the role `reporter`.
        settings: bounds of what waits.
    """

    def __init__(self, nats: NatsSettings, settings: ReportSettings) -> None:
        self.settings = settings
        self.room = Room(settings.max_chars)
        self.left_out = 0
        """Tasks that were not reported, since `max_tasks` were under way."""
        self._loop = _Loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="headway reports", daemon=True)
        self._thread.start()
        self._running: set[ReportedTask] = set()
        self._storing: set[Future[None]] = set()
        """What is stored of tasks that others run."""
        self._connection: _ReporterConnection = self._call(_connection(nats)).result()
        # Here, since many threads may report their first task at the same time. None are reported by wrong settings.
        self._opening: Future[None] | None = self._call(self._connection.open()) if settings.max_tasks else None
        client, names = self._connection.client, self._connection.names
        lease = ReporterLease(Bucket(client, names.reporters_bucket), settings.renew_seconds)
        log, records = JetStreamLog(client, names), Bucket(client, names.tasks_bucket)
        self._stores = Stores(log, records, lease, Batched(RollUp(log, records)))

    @property
    def reachable(self) -> bool:
        """Whether NATS is connected, or may be as soon as the connection is open."""
        return self._connection.reachable

    def report(self, record: TaskRecord, on_stop: OnStop, origin: Origin = "new") -> ReportedTask:
        """Report a task that begins now. What is over `max_tasks` is counted, and nothing of it is stored."""
        home = Home(self._loop, self._thread.ident or 0)
        task = ReportedTask(record, self._stores, on_stop, home=home, room=self.room, origin=origin)
        if self._full:
            task.leave_out()
            self._leave_out()
        else:
            self._running.add(task)
            task.stored = self._call(self._run(task))
        return task

    def submit(self, record: TaskRecord) -> Future[None]:
        """Store that a task waits in a queue of somebody else. Return when it is stored."""
        return self._store(lambda: submit_task(self._stores.log, self._stores.records, record))

    def end(self, record: TaskRecord, status: Status, message: str, error: ErrorInfo | None = None) -> Future[None]:
        """Store the end of a task that this process does not run, unless it has one. Return when it is stored."""
        return self._store(lambda: end_task(self._stores.log, self._stores.records, record, status, message, error))

    def flush(self, seconds: float) -> int:
        """Wait until all tasks that have ended are stored, at most `seconds`. Return how many are not."""
        waiting = {task.stored for task in list(self._running) if task.ended and task.stored is not None}
        return len(wait(waiting | set(self._storing), seconds).not_done)

    @property
    def _full(self) -> bool:
        return len(self._running) + len(self._storing) >= self.settings.max_tasks

    async def _opened(self) -> None:
        assert self._opening is not None
        await asyncio.shield(asyncio.wrap_future(self._opening))

    async def _run(self, task: ReportedTask) -> None:
        try:
            await self._opened()
            await task.run()
        finally:
            self._running.discard(task)

    def _store(self, call: Callable[[], Coroutine[Any, Any, None]]) -> Future[None]:
        if self._full:
            self._leave_out()
            done: Future[None] = Future()
            done.set_result(None)
            return done
        storing = self._call(self._once_open(call))
        self._storing.add(storing)
        storing.add_done_callback(self._storing.discard)
        return storing

    async def _once_open(self, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await self._opened()
            await call()
        except Exception:
            logger.exception("a report has failed", extra={"action": "report_failed"})

    def _leave_out(self) -> None:
        self.left_out += 1
        if self.left_out == 1:
            logger.warning(
                "too many tasks are reported at once; further ones are left out",
                extra={"action": "reports_left_out", "limit": self.settings.max_tasks},
            )

    def _call(self, call: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(call, self._loop)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that needs no other thread: at the end of a process none can be started."""

    async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
        return socket.getaddrinfo(*args, **options)


class _ReporterConnection(Connection):
    """Says once that NATS is unreachable: a script's user sees its log."""

    _failed = False
    _warned = False

    @property
    def reachable(self) -> bool:
        return self.connected or not self._failed

    async def _on_error(self, error: Exception) -> None:
        self._failed = True
        if not self._warned:
            self._warned = True
            logger.warning(
                "NATS is unreachable; reports wait in memory, and the work goes on. HEADWAY_NATS_URL names the server",
                extra={"action": "reports_wait", "error": repr(error)},
            )

    async def _on_disconnect(self) -> None:
        self._failed = True
        await super()._on_disconnect()


async def _connection(settings: NatsSettings) -> _ReporterConnection:
    return _ReporterConnection(settings, NAME)
