"""Handlers in processes, on a real NATS: whatever they do is one failed attempt, and the processor goes on."""

import asyncio
import os
from functools import partial

import pytest

from headway import codec
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import Cancel, Chunk, LogLine, Progress, is_terminal
from headway.jetstream.connection import NatsSettings
from headway.kind import REGISTRY, Registry
from headway.records import JobMessage
from headway_processor.app import Processor
from headway_processor.attempts import executor
from headway_processor.settings import Settings
from tests.fixtures import process_kinds
from tests.fixtures.condition import until
from tests.fixtures.process import is_running

ENDS = {
    "raises": ("Refused", "no"),
    "exits": ("SystemExit", "sys.exit(3) was called"),
    "os_exits": ("ProcessExited", "the handler's process exited with status 3"),
    "is_killed": ("ProcessKilled", "the handler's process was killed by SIGKILL"),
    "hogs": ("OutOfMemory", "the handler needed more memory than its limit of 64 MiB"),
    "hangs": ("Timeout", "took longer than 1 s"),
    "scribbles": ("MalformedReport", "the handler's process sent a frame of 4,294,967,295 bytes"),
}


class Running:
    """A processor with the kinds of `process_kinds`, and the logs of its tasks."""

    def __init__(self, connection, names, processor):
        self.log = JetStreamLog(connection.client, names)
        self._js, self._names, self._processor = connection.client.jetstream(), names, processor

    async def submit(self, kind, params=b"{}"):
        task = f"task-{kind}"
        job = JobMessage(task=task, kind=kind, params=codec.raw(params))
        await self._js.publish(self._names.job(kind, task), codec.encode_json(job))
        return task

    async def events(self, task):
        return [codec.decode(stored.payload) for stored in await self.log.read(task)]

    async def ended(self, task):
        events = await self.events(task)
        return bool(events) and is_terminal(events[-1])

    async def run(self, kind, params=b"{}"):
        """The events of a task, when it has ended."""
        task = await self.submit(kind, params)
        await until(partial(self.ended, task), 60)
        return await self.events(task)

    async def reports(self, task):
        """The last progress of a task, when its handler has reported."""

        async def reported():
            return [event for event in await self.events(task) if event.message]

        await until(reported, 60)
        return (await reported())[-1]


@pytest.fixture
async def running(nats_server, connection, names, monkeypatch):
    monkeypatch.setattr(executor, "STOP_SECONDS", 0.3)
    monkeypatch.setattr("headway_processor.worker.POLL_SECONDS", 0.1)
    kinds = Registry()
    for kind in REGISTRY:
        if kind.handler.__module__ == process_kinds.__name__:
            kinds.add(kind)
    environ = os.environ | {"HEADWAY_TASKS": process_kinds.__name__}
    settings = Settings(ops_port=0, retry_delay_seconds=0.01, processes=2, grace_seconds=0.1)
    nats = NatsSettings(url=nats_server.url, namespace=names.namespace)
    processor = Processor(settings, nats, kinds, environ)
    serving = asyncio.create_task(processor.run())
    await until(lambda: processor.ready or serving.done())
    yield Running(connection, names, processor)
    processor.stop()
    assert await serving is True


async def test_whatever_a_handler_does_is_the_end_of_its_task_alone(running):
    logs = dict(zip(ENDS, await asyncio.gather(*map(running.run, ENDS)), strict=True))
    for kind, (error, message) in ENDS.items():
        last = logs[kind][-1]
        assert (last.status, last.error.type, last.error.message) == ("error", error, message), kind
        assert sum(map(is_terminal, logs[kind])) == 1
    assert (logs["os_exits"][-1].progress, logs["is_killed"][-1].failed) == (42.0, 1)
    assert [event.status for event in logs["is_killed"]].count("retrying") == 1
    started = int(next(event.message for event in logs["hangs"] if event.message))
    await until(lambda: not is_running(started))


async def test_a_handler_reports_as_it_does_in_the_processor(running):
    events = await running.run("reports", b'{"rows": 3}')
    assert "".join(event.text for event in events if isinstance(event, Chunk)) == "c0 c1 c2 "
    lines = [(line.level, line.message, line.logger) for line in events if isinstance(line, LogLine)]
    assert lines == [("info", "printed", "stdout"), ("warning", "logged", "library")]
    last = events[-1]
    assert (last.status, last.step, last.done, last.total, last.unit) == ("completed", "counting", 3, 3, "rows")
    assert last.data["pid"] != os.getpid()
    percents = [event.progress for event in events if isinstance(event, Progress)]
    assert percents == sorted(percents)
    again = await running.run("awaits")
    assert (again[-1].data, again[-1].message) == (True, "half")


async def test_a_handler_that_is_killed_continues_from_its_checkpoint(running):
    events = await running.run("resumes")
    second = next(event for event in events if event.attempt == 2)
    assert (second.progress, second.done, second.total, second.unit) == (50.0, 2, 4, "pages")
    assert (events[-1].status, events[-1].data, events[-1].done) == ("completed", [1, 2], 2)


@pytest.mark.parametrize("kind", ["asks", "waits"])
async def test_a_handler_is_cancelled(running, kind):
    task = await running.submit(kind)
    assert (await running.reports(task)).message == {"asks": "asking", "waits": "waiting"}[kind]
    await Chain(running.log, task, await read_head(running.log, task)).append(Cancel(reason="enough"))
    await until(partial(running.ended, task), 60)
    last = (await running.events(task))[-1]
    assert (last.status, last.message) == ("cancelled", "cancelled: enough")


async def test_a_processor_that_is_stopped_hands_the_job_back_and_leaves_no_process(running):
    task = await running.submit("hangs")
    started = int((await running.reports(task)).message)
    running._processor.stop()

    async def handed_back():
        return (await running.events(task))[-1].status == "retrying"

    await until(handed_back, 60)
    await until(lambda: not is_running(started))
