"""The processor as a process: settings, signals and exit codes."""

import asyncio
import os
import signal
import threading

import pytest

from headway.kind import Registry
from headway_processor import run as module
from headway_processor.run import run


class Fake:
    """A processor that runs until it is stopped, or fails."""

    made = None
    connected = True
    error = None

    def __init__(self, settings, nats, kinds, environ):
        type(self).made = self
        self.settings = settings
        self._stopping = asyncio.Event()

    def stop(self):
        self._stopping.set()

    async def run(self):
        if self.error is not None:
            raise self.error
        if self.connected:
            os.kill(os.getpid(), signal.SIGTERM)
            await self._stopping.wait()
        return self.connected


@pytest.fixture
def processor(monkeypatch):
    fake = type("Processor", (Fake,), {})
    monkeypatch.setattr(module, "Processor", fake)
    monkeypatch.setattr(module, "declared_settings", list)
    monkeypatch.setattr(module, "load_kinds", lambda names, environ, builtin: Registry())
    monkeypatch.setattr(module.logging_setup, "setup", lambda level, secrets: None)
    monkeypatch.setattr(threading.Timer, "start", lambda self: None)  # it would end this process
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield fake
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_signal_ends_it_with_0(processor):
    assert run({"HEADWAY_PROCESSOR_CONCURRENCY": "7"}) == 0
    assert processor.made.settings.concurrency == 7


def test_a_connection_that_is_closed_permanently_ends_it_with_1(processor):
    processor.connected = False
    assert run({}) == 1


def test_an_error_ends_it_with_1_and_is_logged(processor, caplog):
    processor.error = RuntimeError("broken")
    assert run({}) == 1
    assert [record.action for record in caplog.records] == ["failed"]


def test_a_wrong_setting_ends_it_with_2_and_one_line(processor, capsys):
    assert run({"HEADWAY_PROCESSOR_CONCURRENCE": "7"}) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("headway-processor: HEADWAY_PROCESSOR_CONCURRENCE is not a setting; did you mean")
    assert shown.count("\n") == 1
