"""Children for tests of handlers: functions in place of the tasks that processors run."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headway import codec
from headway.children.children import Stores
from headway.children.kinds import KnownKinds
from headway.errors import CancelRequestedError, EndedError
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.follow import follow
from headway.events import Cancel, Progress, Status
from headway.failure import describe
from headway.records import JobMessage, KindRecord
from headway.submission import Submission
from headway.testing.log import MemoryLog
from headway.testing.stores import MemoryBucket, MemoryJobQueue, MemoryResults

Work = Callable[[Any], Any]
"""Takes the parameters of a task, and returns its result or an awaitable of it."""


class ChildRuns(MemoryJobQueue):
    """A queue whose jobs run at once: each by the function of its kind.

    Args:
        log: where their events are stored.
        work: the functions, by kind.
    """

    def __init__(self, log: MemoryLog, work: Mapping[str, Work]) -> None:
        super().__init__()
        self._log = log
        self._work = work
        self._running: set[asyncio.Task[None]] = set()

    async def put(self, job: JobMessage) -> None:
        """Store `job` and begin to run it, unless a job of its task is stored."""
        new = job.task not in self.jobs
        await super().put(job)
        if new:
            running = asyncio.create_task(self._run(job), name=f"child {job.task}")
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    async def _run(self, job: JobMessage) -> None:
        chain = Chain(self._log, job.task, await read_head(self._log, job.task), attempt=1)
        try:
            await chain.begin(_progress("processing"))
        except EndedError:
            return
        working = asyncio.create_task(self._call(job))
        stopping = asyncio.create_task(self._cancelled(job.task))
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        stopping.cancel()
        end = working.result() if working.done() else _progress("cancelled", message=stopping.result())
        try:
            await chain.append(end)
        except CancelRequestedError as request:  # just before it ended
            await chain.append(_progress("cancelled", message=request.reason))

    async def _call(self, job: JobMessage) -> Progress:
        try:
            result = self._work[job.kind](msgspec.json.decode(job.params))
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:  # noqa: BLE001 - the end of the child, not of the test
            return _progress("error", message=str(error), error=describe(error))
        return _progress("completed", progress=100.0, data=result)

    async def _cancelled(self, task: str) -> str:
        async for followed in follow(self._log, task):
            if isinstance(event := codec.decode(followed.payload), Cancel):
                return event.reason
        raise AssertionError("a log has no end")


def child_stores(log: MemoryLog, work: Mapping[str, Work]) -> Stores:
    """Stores in which the children of a job under test run: `work` has a function for each kind."""
    kinds = MemoryBucket()
    for kind in work:
        kinds.set(kind, codec.encode_json(KindRecord(kind=kind)))
    return Stores(log, Submission(MemoryBucket(), ChildRuns(log, work), log), KnownKinds(kinds), MemoryResults())


def _progress(status: Status, **fields: Any) -> Progress:
    return Progress(**({"status": status, "progress": 0.0, "message": "", "step": ""} | fields))
