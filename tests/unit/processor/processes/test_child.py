"""Attempts as the process of handlers runs them: in this process, with a pipe that a test holds the other end of."""

import asyncio
import threading

import pytest

from headway.events import Chunk, LogLine, Progress
from headway.kind import REGISTRY
from headway.outbox import Home
from headway.progress import pending
from headway_processor.processes import child
from headway_processor.processes.child import ChildAttempt
from headway_processor.processes.frames import Error, Result, Run, Stop
from headway_processor.settings import Settings
from tests.fixtures import process_kinds
from tests.fixtures.condition import holds_blocking

SETTINGS = Settings(interval_seconds=0.01, tracebacks=True)


class FakeLink:
    """Takes answers and reports; `stop` ends the handler."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.home = Home(self.loop, self._thread.ident)
        self.answers = []
        self.stop_at = None
        self.gate = asyncio.Event()
        self.gate.set()
        self._on_stop = None

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def send(self, frame):
        self.answers.append(frame)

    async def attach(self, on_stop):
        self._on_stop = on_stop

    async def detach(self):
        self._on_stop = None

    async def report(self, event):
        await self.gate.wait()
        self.answers.append(event)
        if self.stop_at and self.stop_at == getattr(event, "message", None):
            self._on_stop(Stop(text="enough", cancelled=True))

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture
def link():
    link = FakeLink()
    yield link
    link.close()


def run(link, kind, params=b"{}"):
    """Run an attempt. Return whether the process is worn, and the end of the handler."""
    order = Run(kind=kind.__name__, task="t1", attempt=2, failed=1, params=params)
    worn = ChildAttempt(link, SETTINGS, REGISTRY.get(kind.__name__), order).run()
    return worn, next(answer for answer in link.answers if isinstance(answer, Result | Error))


def test_all_that_a_handler_reports_is_sent_in_order_and_then_its_result(link):
    worn, end = run(link, process_kinds.reports, b'{"rows": 2}')
    assert not worn
    assert b'"attempt":2' in end.raw
    events = [event for event in link.answers if event is not end]
    assert "".join(event.text for event in events if isinstance(event, Chunk)) == "c0 c1 "
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert (last.step, last.done, last.total, last.unit, last.failed) == ("counting", 2.0, 2.0, "rows", 1)


def test_a_handler_waits_while_its_output_is_not_stored(link, monkeypatch):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 1000)
    process_kinds.flooded.clear()
    link.gate.clear()
    running = threading.Thread(target=run, args=(link, process_kinds.floods))
    running.start()
    assert holds_blocking(lambda: len(process_kinds.flooded) >= 10, 10)
    assert len(process_kinds.flooded) <= 11
    link.loop.call_soon_threadsafe(link.gate.set)
    running.join()
    assert sum(len(event.text) for event in link.answers if isinstance(event, Chunk)) == process_kinds.FLOOD * 100


def test_an_async_handler_runs_on_a_loop_of_its_own(link):
    _, end = run(link, process_kinds.awaits)
    assert end.raw == b"true"
    assert [event.message for event in link.answers if isinstance(event, Progress)][-1] == "half"


@pytest.mark.parametrize(("kind", "message"), [(process_kinds.waits, "waiting"), (process_kinds.asks, "asking")])
def test_a_handler_is_told_that_it_should_end(link, kind, message):
    link.stop_at = message
    _, end = run(link, kind)
    assert end.error.type in ("CancelledError", "TaskCancelledError")


def test_an_error_is_described_with_its_traceback(link):
    _, end = run(link, process_kinds.raises)
    assert (end.error.type, end.error.message, end.error.retryable) == ("Refused", "no", False)
    assert "process_kinds.py" in end.error.traceback


def test_parameters_that_do_not_fit_are_an_error(link):
    _, end = run(link, process_kinds.reports, b'{"rows": "many"}')
    assert end.error.type == "ParamsError"


def test_a_result_that_is_too_large_is_an_error(link, monkeypatch):
    monkeypatch.setattr(child, "MAX_RESULT_BYTES", 3)
    _, end = run(link, process_kinds.awaits)
    assert (end.error.type, end.error.retryable) == ("ResultTooLarge", False)


@pytest.mark.needs("Linux")
def test_a_handler_that_reaches_its_memory_limit_leaves_a_worn_process(link):
    worn, end = run(link, process_kinds.hogs)
    assert (worn, end.error.type) == (True, "OutOfMemory")


def test_a_log_line_is_reported_as_it_is_written(link):
    run(link, process_kinds.counts, b'{"rows": 2}')
    assert [event.message for event in link.answers if isinstance(event, LogLine)] == ["row 0", "row 1"]
