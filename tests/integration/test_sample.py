"""The sample of docs/how-to/write-tasks.md runs as printed, on a whole processor."""

import asyncio
import importlib.util
import sys
from contextlib import asynccontextmanager

import pytest

from headway import codec
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import Chunk, LogLine, Progress
from headway.jetstream.connection import NatsSettings
from headway.kind import REGISTRY
from headway.records import JobMessage
from headway_processor.app import Processor
from headway_processor.settings import Settings
from tests.fixtures.condition import holds, until
from tests.fixtures.pages import printed_for

SETTINGS = Settings(ops_host="127.0.0.1", ops_port=0, interval_seconds=0.01)


@pytest.fixture
def sample(tmp_path, monkeypatch):
    """The kinds of the printed module."""
    monkeypatch.setattr("headway_processor.worker.POLL_SECONDS", 0.1)
    monkeypatch.setattr(REGISTRY, "_kinds", {})
    [block] = printed_for("tests/integration/test_sample.py::test_sample_runs_as_printed")
    (tmp_path / "albums.py").write_text(block.text)
    spec = importlib.util.spec_from_file_location("albums", tmp_path / "albums.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "albums", module)  # where dataclasses look up annotations
    spec.loader.exec_module(module)
    return REGISTRY


class Studio:
    """The folder of pictures, and the tasks that make albums of it."""

    def __init__(self, root, connection):
        self.root = root
        self._connection = connection
        self._log = JetStreamLog(connection.client, connection.names)

    def event(self, name, *sizes):
        folder = self.root / name
        folder.mkdir(parents=True)
        for number, size in enumerate(sizes):
            (folder / f"{number}.jpg").write_bytes(b"x" * size)

    async def submit(self, task):
        job = JobMessage(task=task, kind="make_album", params=codec.raw(codec.encode_json({"folder": str(self.root)})))
        subject = self._connection.names.job("make_album", task)
        await self._connection.client.jetstream().publish(subject, codec.encode_json(job))

    async def events(self, task):
        return [codec.decode(stored.payload) for stored in await self._log.read(task, 1, 1000)]

    async def end(self, task):
        """All events of the task, once it has ended."""

        async def ended():
            events = await self.events(task)
            return events and getattr(events[-1], "terminal", False)

        await until(ended, 15)
        return await self.events(task)


@pytest.fixture
def opened(tmp_path, nats_server, names, connection, sample, caplog):
    """The studio, with a processor that runs. Not a fixture itself: pytest changes sys.stdout before the test."""
    caplog.set_level("INFO")  # as the service does

    @asynccontextmanager
    async def open():
        processor = Processor(SETTINGS, NatsSettings(url=nats_server.url, namespace=names.namespace), sample)
        running = asyncio.create_task(processor.run())
        assert await holds(lambda: processor.ready or running.done(), 15)
        (tmp_path / "pictures").mkdir()
        yield Studio(tmp_path / "pictures", connection)
        processor.stop()
        assert await running is True

    return open


async def test_sample_runs_as_printed(opened, printed):
    assert printed
    async with opened() as studio:
        await run_as_printed(studio)


async def run_as_printed(studio):
    studio.event("beach", 1000, 0, 3000)
    studio.event("wedding", 2000, 2000)
    lock = studio.root / "upload.lock"
    lock.touch()
    await studio.submit("t1")

    async def failed():
        return any(getattr(event, "status", "") == "retrying" for event in await studio.events("t1"))

    await until(failed, 15)
    lock.unlink()
    events = await studio.end("t1")

    [retrying] = [event for event in events if getattr(event, "status", "") == "retrying"]
    assert retrying.message == "pictures are still being uploaded; the next attempt begins in 1 s"
    assert 'File "albums.py", line' in retrying.error.traceback
    last = events[-1]
    assert (last.status, last.attempt, last.failed, last.progress) == ("completed", 2, 1, 100)
    assert last.data == {
        "album": {"folder": str(studio.root), "width": 1024},
        "page": str(studio.root / "album.html"),
        "saved": "4,000 bytes",
        "captions": ["Beach, a day to remember.", "Wedding, a day to remember."],
    }
    lines = [(event.level, event.logger, event.message) for event in events if isinstance(event, LogLine)]
    assert lines == [
        ("info", "albums", "attempt 2, after 1 failures"),
        ("warning", "albums", "1.jpg is empty"),
        ("info", "stdout", "all captions are written"),
    ]
    text = "".join(event.text for event in events if isinstance(event, Chunk))
    assert sorted(text.splitlines()) == last.data["captions"]
    within = [event for event in events if isinstance(event, Progress) and event.sub is not None]
    assert {event.total for event in within} == {2}
    assert {event.sub.unit for event in within} == {"pictures"}


@pytest.mark.parametrize(
    ("events", "message"),
    [([], "there are no events in pictures"), (["beach", "untitled-1"], "untitled-1 needs a name")],
)
async def test_final_error_of_the_sample_ends_the_task_at_once(opened, events, message):
    async with opened() as studio:
        for name in events:
            studio.event(name, 1000)
        await studio.submit("t1")
        last = (await studio.end("t1"))[-1]
    assert (last.status, last.attempt, last.message) == ("error", 1, message)
    assert (last.error.type, last.error.retryable, last.error.transient) == ("TaskError", False, False)


def test_parameters_of_the_sample_have_a_schema(sample):
    schema = sample.get("make_album").record().params
    assert schema["required"] == ["folder"]
    assert schema["properties"]["width"] == {
        "description": "Pixels",
        "type": "integer",
        "minimum": 16,
        "maximum": 8192,
        "default": 1024,
    }
