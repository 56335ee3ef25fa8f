"""Tasks of Taskiq, sent and run with its broker in memory, as tasks in a real NATS."""

import asyncio
import importlib
import logging
import sys
import threading
import time

import pytest
from pytest_asyncio import fixture
from taskiq import Context, InMemoryBroker, SimpleRetryMiddleware, TaskiqDepends
from taskiq.depends.progress_tracker import ProgressTracker, TaskState

import headway.taskiq
from headway.errors import TaskCancelledError
from tests.fixtures.reporting import reporting, unreachable

pytestmark = pytest.mark.asyncio(loop_scope="module")


INJECTED = TaskiqDepends()


class Broker(InMemoryBroker):
    """One that can hold messages back."""

    def __init__(self):
        super().__init__()
        self.held = None

    async def kick(self, message):
        if self.held is None:
            await super().kick(message)
        else:
            self.held.append(message)

    async def release(self):
        held, self.held = self.held, None
        for message in held:
            await self.kick(message)


class Bench:
    """A broker, and tasks that do what a test needs."""

    def __init__(self):
        self.broker = broker = Broker().with_middlewares(SimpleRetryMiddleware(), headway.taskiq.Headway())
        self.count = broker.task(task_name="count", title="Count", tags="numbers")(_count)
        self.count_in_thread = broker.task(task_name="count_in_thread")(_count_in_thread)
        self.track = broker.task(task_name="track")(_track)
        self.flaky = broker.task(task_name="shop:flaky", retry_on_error=True, max_retries=3)(_flaky)
        self.failing = broker.task(task_name="failing")(_failing)
        self.endless = broker.task(task_name="endless", retry_on_error=True, max_retries=3)(_endless)
        self.patient = broker.task(task_name="patient", retry_on_error=True, max_retries=3)(_patient)
        self.requeuing = broker.task(task_name="requeuing")(_requeuing)

        async def parent() -> str:
            return (await self.count.kiq(1)).task_id

        self.parent = broker.task(task_name="parent")(parent)


async def _count(number: int) -> dict[str, int]:
    job = headway.current_job()
    job.step("counting")
    logging.getLogger("shop").warning("begins")
    for _ in headway.track(range(number), unit="numbers"):
        pass
    return {"counted": number}


def _count_in_thread(number: int) -> int:
    assert threading.current_thread() is not threading.main_thread()
    return sum(1 for _ in headway.track(range(number)))


async def _track(tracker: ProgressTracker[dict[str, int]] = INJECTED) -> None:
    await tracker.set_progress(TaskState.STARTED, {"current": 1, "total": 4})
    await tracker.set_progress("CRUNCHING", {"current": 3, "total": 4})


async def _flaky() -> None:
    if headway.current_job().attempt == 1:
        raise ConnectionError("try again")


async def _failing() -> None:
    int("seven")


async def _endless() -> None:
    await asyncio.sleep(600)


def _patient() -> None:
    for _ in headway.track(iter(int, 1)):
        time.sleep(0.01)


async def _requeuing(context: Context = INJECTED) -> None:
    if headway.current_job().attempt == 1:
        await context.requeue()


@pytest.fixture(scope="module")
def reported(nats_server):
    with reporting(nats_server.url) as reported:
        yield reported


@fixture(scope="module", loop_scope="module")
async def bench(reported):
    bench = Bench()
    await bench.broker.startup()
    yield bench
    await bench.broker.shutdown()


@pytest.mark.feature("taskiq", "progress")
@pytest.mark.feature("taskiq", "step")
@pytest.mark.feature("taskiq", "log")
@pytest.mark.feature("taskiq", "result")
async def test_a_task_has_progress_lines_and_a_result(reported, bench):
    sent = await bench.count.kiq(1000)
    end = await reported.end(sent.task_id)
    assert (end.status, end.data, end.done, end.unit) == ("completed", {"counted": 1000}, 1000, "numbers")
    assert "counting" in {event.step for event in await reported.progress(sent.task_id)}
    assert await reported.lines(sent.task_id) == ["begins"]
    record = await reported.record(sent.task_id)
    assert (record.kind, record.title, record.tags) == ("count", "Count", ["numbers"])
    assert (await sent.wait_result(timeout=30)).return_value == {"counted": 1000}


async def test_a_function_that_runs_in_a_thread_reports_too(reported, bench):
    end = await reported.end((await bench.count_in_thread.kiq(10)).task_id)
    assert (end.data, end.done) == (10, 10)


@pytest.mark.feature("taskiq", "progress")
async def test_what_a_task_sets_with_its_progress_tracker_is_its_progress(reported, bench):
    sent = await bench.track.kiq()
    end = await reported.end(sent.task_id)
    assert (end.status, end.done, end.total) == ("completed", 3, 4)
    assert (await sent.get_progress()).state == "CRUNCHING"


async def test_a_task_can_be_watched_from_when_it_is_sent(reported, bench):
    bench.broker.held = []
    sent = await bench.count.kicker().with_labels(title="Now").kiq(1)
    assert [event.status for event in await reported.progress(sent.task_id)] == ["queued"]
    assert (await reported.record(sent.task_id)).title == "Now"
    await bench.broker.release()
    assert (await reported.end(sent.task_id)).status == "completed"


@pytest.mark.feature("taskiq", "retry")
async def test_a_task_that_is_retried_is_the_same_in_another_attempt(reported, bench):
    task = (await bench.flaky.kiq()).task_id
    end = await reported.end(task)
    assert (end.status, end.attempt, end.failed) == ("completed", 2, 1)
    assert await reported.statuses(task) == ["queued", "processing", "retrying", "processing", "completed"]
    assert (await reported.record(task)).kind == "flaky"


async def test_a_task_that_requeues_itself_is_retried(reported, bench):
    end = await reported.end((await bench.requeuing.kiq()).task_id)
    assert (end.status, end.attempt) == ("completed", 2)


@pytest.mark.feature("taskiq", "error with traceback")
async def test_a_task_that_raises_ends_in_error_with_its_traceback(reported, bench):
    end = await reported.end((await bench.failing.kiq()).task_id)
    assert (end.status, end.error.type) == ("error", "ValueError")
    assert "in _failing" in end.error.traceback


@pytest.mark.feature("taskiq", "cancel")
@pytest.mark.parametrize("name", ["endless", "patient"])
async def test_a_task_that_is_cancelled_ends_and_is_not_retried(reported, bench, name):
    sent = await getattr(bench, name).kiq()
    await reported.running(sent.task_id)
    await reported.cancel(sent.task_id)
    end = await reported.end(sent.task_id)
    assert (end.status, end.message, end.attempt) == ("cancelled", "cancelled: enough", 1)
    assert isinstance((await sent.wait_result(timeout=30)).error, TaskCancelledError)


@pytest.mark.parametrize("name", ["failing", "patient"])
async def test_a_task_that_is_cancelled_while_it_waits_is_not_run(reported, bench, name):
    bench.broker.held = []
    sent = await getattr(bench, name).kiq()
    await reported.cancel(sent.task_id)
    await bench.broker.release()
    assert isinstance((await sent.wait_result(timeout=30)).error, TaskCancelledError)
    assert await reported.statuses(sent.task_id) == ["queued", "cancelled"]


@pytest.mark.feature("taskiq", "children")
async def test_what_a_task_sends_is_a_part_of_it(reported, bench):
    task = (await bench.parent.kiq()).task_id
    child = (await reported.end(task)).data
    assert (await reported.end(child)).status == "completed"
    assert (await reported.record(child)).parent == task


async def test_a_task_runs_as_before_while_nats_is_unreachable(bench):
    with unreachable():
        sent = await bench.count.kiq(3)
        assert (await sent.wait_result(timeout=30)).return_value == {"counted": 3}


async def test_the_how_to_is_a_task(reported, tmp_path, printed, monkeypatch, capsys):
    (tmp_path / "taskiq_imports.py").write_text(printed[0].text)
    monkeypatch.syspath_prepend(tmp_path)
    await importlib.import_module("taskiq_imports").main()
    del sys.modules["taskiq_imports"]
    end = await reported.end(capsys.readouterr().out.strip())
    assert (end.status, end.done, (await reported.record(end.task)).title) == ("completed", 1000, "Import of the night")
