"""The kind `cluster` in a processor, on a real NATS."""

import asyncio
import os

import pytest

from headway import codec
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import is_terminal
from headway.jetstream.connection import NatsSettings
from headway.jetstream.kv import Bucket
from headway.kind import REGISTRY
from headway.records import JobMessage, TaskRecord
from headway.testing import start_job
from headway_kinds.cluster import kind
from headway_processor.app import Processor
from headway_processor.settings import Settings
from tests.fixtures.condition import until

SUBJECTS = ("rain snow storm cloud wind", "oven recipe flour butter bake", "harbour anchor sail captain deck")


@pytest.fixture
async def processor(nats_server, names, monkeypatch, tmp_path):
    monkeypatch.setattr("headway_processor.worker.POLL_SECONDS", 0.1)
    monkeypatch.setattr(REGISTRY, "_kinds", {})
    environ = os.environ | {
        "HEADWAY_NATS_URL": nats_server.url,
        "HEADWAY_NATS_NAMESPACE": names.namespace,
        "HEADWAY_PROCESSOR_BUILTIN_KINDS": "cluster",
        "HEADWAY_PROCESSOR_DATA_DIR": str(tmp_path),
    }
    kind.register(environ)
    settings = Settings(ops_host="127.0.0.1", ops_port=0, grace_seconds=5.0, processes=1)
    nats = NatsSettings(url=nats_server.url, namespace=names.namespace)
    processor = Processor(settings, nats, REGISTRY, environ)
    running = asyncio.create_task(processor.run())
    await until(lambda: processor.ready or running.done())
    yield processor
    processor.stop()
    assert await running is True


@pytest.fixture
def end_of(processor, connection):
    """Submits a task; returns its last event."""
    log = JetStreamLog(connection.client, connection.names)

    async def submit(task, params):
        message = codec.encode_json(JobMessage(task=task, kind="cluster", params=codec.raw(codec.encode_json(params))))
        await connection.client.jetstream().publish(connection.names.job("cluster", task), message)

        async def ended():
            last = await log.last(task)
            return last is not None and is_terminal(codec.decode(last.payload))

        await until(ended, 60)
        return codec.decode((await log.last(task)).payload)

    return submit


async def test_texts_of_a_table_become_clusters_and_a_plot(end_of, tmp_path):
    rows = [f"{number},{SUBJECTS[number % 3]} {number}" for number in range(60)]
    (tmp_path / "notes.csv").write_text("\n".join(["id,note", *rows]))
    event = await end_of("t1", {"source": "notes.csv", "column": "note"})
    assert (event.status, event.progress, event.step) == ("completed", 100, "Drawing")
    assert {" ".join(sorted(one["terms"])): one["size"] for one in event.data["clusters"]} == {
        " ".join(sorted(words.split())): 20 for words in SUBJECTS
    }
    assert (event.data["plot"]["type"], len(event.data["plot"]["points"])) == ("scatter", 60)


@pytest.mark.security
async def test_the_pages_of_a_crawl_are_clustered_for_its_owner_alone(end_of, connection):
    records = Bucket(connection.client, connection.names.tasks_bucket)
    for task, kind_name, owner in (("c1", "crawl", "ann"), ("t4", "cluster", "ann"), ("t5", "cluster", "bob")):
        record = TaskRecord(task=task, kind=kind_name, created=1.0, owner=owner)
        assert await records.create(task, codec.encode_json(record))
    texts = [{"url": "", "title": "", "text": f"{SUBJECTS[number % 3]} {number}"} for number in range(9)]
    crawl = start_job(JetStreamLog(connection.client, connection.names), "c1")
    await crawl.finish("completed", data={"start": "http://h/", "texts": texts})
    own, other = await end_of("t4", {"crawl": "c1", "k": 3}), await end_of("t5", {"crawl": "c1", "k": 3})
    assert (own.status, own.data["texts"], own.data["source"]) == ("completed", 9, "the pages of http://h/")
    assert (other.status, other.error.type) == ("error", "NoCrawl")


async def test_what_cannot_be_clustered_ends_in_an_error_that_says_why(end_of):
    event = await end_of("t2", {"texts": ["—", "1 2"]})
    assert (event.status, event.error.type, event.error.retryable) == ("error", "NoTerms", False)
    event = await end_of("t3", {"texts": ["a"], "source": "notes.csv"})
    assert event.status == "error"
    assert "give one of texts, source" in event.error.message
