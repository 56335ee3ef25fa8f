"""A block of code as a task: its record, and how its end becomes that of the task."""

import asyncio
import threading
from contextlib import nullcontext, suppress

import pytest

from headway import current_job, report
from headway.errors import CancelRequestedError, InvalidNameError, TaskCancelledError
from headway.outbox import Home
from headway.progress.pending import Room
from headway.reporting import report as module
from headway.reporting.reported_task import ReportedTask, Stores
from headway.reporting.settings import ReportSettings
from headway.testing import MemoryBucket, MemoryLog

pytestmark = pytest.mark.looptime


class MemoryBackground:
    """Reports on stores in memory; nothing of them is stored, only what a block says."""

    def __init__(self):
        self.settings = ReportSettings(owner="ann", tenant="acme")
        self.tasks, self.records = [], []

    def report(self, record, on_stop, origin):
        self.records.append(record)
        self.origin = origin
        home = Home(asyncio.get_running_loop(), threading.get_ident())
        stores = Stores(MemoryLog(), MemoryBucket(), None, None)
        self.tasks.append(ReportedTask(record, stores, on_stop, home=home, room=Room(1000)))
        return self.tasks[-1]

    @property
    def outcome(self):
        return self.tasks[-1]._outcome


@pytest.fixture
async def process(monkeypatch):
    made = MemoryBackground()
    monkeypatch.setattr(module, "background", lambda: made)
    return made


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, ("ann", "acme")), ({"owner": "bob"}, ("bob", "acme")), ({"owner": "", "tenant": "zoo"}, ("", "zoo"))],
    ids=str,
)
async def test_a_task_belongs_to_the_owner_of_the_process_or_to_another(process, options, expected):
    """As to the user of a web application."""
    with report("import", **options):
        pass
    (record,) = process.records
    assert (record.owner, record.tenant) == expected


@pytest.mark.parametrize(
    ("name", "options", "kind", "title"),
    [
        ("nightly-import", {}, "nightly-import", "nightly-import"),
        ("Import of the night", {}, "Import-of-the-night", "Import of the night"),
        ("", {}, "report", ""),
        ("é" * 300, {}, "-", "é" * 199 + "…"),
        ("a", {"kind": "import", "title": "A title"}, "import", "A title"),
    ],
)
async def test_the_record_tells_kind_title_and_owner(process, name, options, kind, title):
    with report(name, **options) as job:
        assert current_job() is job
    assert current_job() is None
    record = process.records[0]
    assert (record.kind, record.title, record.owner, record.tenant) == (kind, title, "ann", "acme")
    assert record.reported
    assert record.task == job.task


@pytest.mark.parametrize("names", [{"kind": "a b"}, {"task": "a b"}, {"task": "x" * 65}, {"parent": "a.b"}])
async def test_what_is_no_name_is_refused(process, names):
    with pytest.raises(InvalidNameError):
        report("x", **names)


@pytest.mark.parametrize(("chosen", "origin"), [("job-7", "chosen"), ("", "new")])
async def test_the_caller_may_choose_the_id(process, chosen, origin):
    with report("x", task=chosen, tags=["eu", "eu"], parent="night") as job:
        pass
    record = process.records[0]
    assert (job.task == chosen, process.origin) == (bool(chosen), origin)
    assert (record.tags, record.parent) == (["eu"], "night")


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (None, "completed", None),
        (SystemExit(0), "completed", None),
        (SystemExit(3), "error", "the process ended with 3"),
        (ValueError("no such file"), "error", "no such file"),
        (KeyboardInterrupt(), "cancelled", "cancelled: interrupted at the keyboard"),
        (asyncio.CancelledError(), "cancelled", "cancelled: the code that reports was cancelled"),
        (TaskCancelledError("x"), "cancelled", "cancelled"),
    ],
)
async def test_the_end_of_the_block_is_the_end_of_the_task(process, error, status, message):
    with suppress(type(error)) if error is not None else nullcontext(), report("x"):
        if error is not None:
            raise error
    outcome = process.outcome
    assert (outcome.status, outcome.message) == (status, message)
    if isinstance(error, ValueError):
        assert (outcome.error.type, outcome.error.message) == ("ValueError", "no such file")
        assert "test_report.py" in outcome.error.traceback


async def test_a_loop_of_a_block_in_a_thread_stops_at_a_request(process):
    def work():
        with report("x") as job:
            for _ in job.track(range(3)):
                process.tasks[0].lifecycle.stop(CancelRequestedError(job.task, "enough"))

    with pytest.raises(TaskCancelledError):
        work()
    assert (process.outcome.status, process.outcome.message) == ("cancelled", "cancelled: enough")


async def test_a_coroutine_is_cancelled_at_a_request_with_its_reason(process):
    async def work():
        async with report("x") as job:
            process.tasks[0].lifecycle.stop(CancelRequestedError(job.task, "enough"))
            await asyncio.sleep(10)

    with pytest.raises(TaskCancelledError, match="enough"):
        await work()
    assert (process.outcome.status, process.outcome.message) == ("cancelled", "cancelled: enough")
    assert asyncio.current_task().cancelling() == 0


async def test_a_coroutine_that_others_cancel_stays_cancelled(process):
    async def work():
        async with report("x"):
            await asyncio.sleep(10)

    task = asyncio.create_task(work())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert process.outcome.status == "cancelled"


async def test_a_request_after_the_block_cancels_nobody(process):
    async with report("x") as job:
        pass
    process.tasks[0].lifecycle.stop(CancelRequestedError(job.task, "late"))
    await asyncio.sleep(1)
    assert process.outcome.status == "completed"
