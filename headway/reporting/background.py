"""The event loop of a process's reports, in a thread of its own, with one connection to NATS."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from typing import Any

from headway.eventlog.jetstream_log import JetStreamLog
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.kv import Bucket
from headway.outbox import Home
from headway.progress.pending import Room
from headway.records import TaskRecord
from headway.reporting.reported_task import OnStop, ReportedTask, Stores
from headway.reporting.reporter_lease import ReporterLease
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
        self._connection = self._call(_connection(nats)).result()
        self._opening: Future[None] | None = None
        client, names = self._connection.client, self._connection.names
        lease = ReporterLease(Bucket(client, names.reporters_bucket), settings.renew_seconds)
        self._stores = Stores(JetStreamLog(client, names), Bucket(client, names.tasks_bucket), lease)

    def report(self, record: TaskRecord, on_stop: OnStop) -> ReportedTask:
        """Report a task that begins now. What is over `max_tasks` is counted, and nothing of it is stored."""
        home = Home(self._loop, self._thread.ident or 0)
        task = ReportedTask(record, self._stores, on_stop, home=home, room=self.room)
        if len(self._running) >= self.settings.max_tasks:
            self._leave_out(task)
        else:
            self._opening = self._opening or self._call(self._connection.open())
            self._running.add(task)
            task.stored = self._call(self._run(task, self._opening))
        return task

    def flush(self, seconds: float) -> int:
        """Wait until all tasks that have ended are stored, at most `seconds`. Return how many are not."""
        waiting = {task.stored for task in list(self._running) if task.ended and task.stored is not None}
        return len(wait(waiting, seconds).not_done)

    async def _run(self, task: ReportedTask, opening: Future[None]) -> None:
        try:
            await asyncio.shield(asyncio.wrap_future(opening))
            await task.run()
        finally:
            self._running.discard(task)

    def _leave_out(self, task: ReportedTask) -> None:
        task.lifecycle.detach()
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

    _warned = False

    async def _on_error(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            logger.warning(
                "NATS is unreachable; reports wait in memory, and the work goes on. HEADWAY_NATS_URL names the server",
                extra={"action": "reports_wait", "error": repr(error)},
            )


async def _connection(settings: NatsSettings) -> Connection:
    return _ReporterConnection(settings, NAME)
