"""The kind `cluster` in a processor, on a real NATS."""

import asyncio
import os
import time

import pytest

from headway import codec
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import is_terminal
from headway.jetstream.connection import NatsSettings
from headway.jetstream.file_store import FileStore
from headway.jetstream.kv import Bucket
from headway.kind import REGISTRY
from headway.records import FileRecord, JobMessage, TaskRecord
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


@pytest.mark.security
async def test_texts_of_a_table_and_of_an_own_crawl_become_clusters_and_others_an_error(end_of, connection, tmp_path):
    rows = [f"{number},{SUBJECTS[number % 3]} {number}" for number in range(60)]
    (tmp_path / "notes.csv").write_text("\n".join(["id,note", *rows]))
    records = Bucket(connection.client, connection.names.tasks_bucket)
    for task, owner in {"c1": "ann", "own": "ann", "sent": "ann", "other": "bob", "stolen": "bob"}.items():
        record = TaskRecord(task=task, kind="crawl" if task == "c1" else "cluster", created=1.0, owner=owner)
        assert await records.create(task, codec.encode_json(record))
    texts = [{"url": "", "title": "", "text": f"{SUBJECTS[number % 3]} {number}"} for number in range(9)]
    crawl = start_job(JetStreamLog(connection.client, connection.names), "c1")
    await crawl.finish("completed", data={"start": "http://h/", "texts": texts})

    upload = await FileStore(connection.client, connection.names).begin(
        FileRecord(file="f1", created=1.0, expires=time.time() + 600, name="sent.csv", owner="ann")
    )
    await upload.write(b"note\nred door\ngreen roof\n")
    await upload.finish(time.time() + 600)

    table, own, other, sent, stolen, wordless, twice = await asyncio.gather(
        end_of("table", {"source": "notes.csv", "column": "note"}),
        end_of("own", {"crawl": "c1", "k": 3}),
        end_of("other", {"crawl": "c1", "k": 3}),
        end_of("sent", {"file": "f1"}),
        end_of("stolen", {"file": "f1"}),
        end_of("wordless", {"texts": ["—", "1 2"]}),
        end_of("twice", {"texts": ["a"], "source": "notes.csv"}),
    )
    assert (table.status, table.progress, table.step) == ("completed", 100, "Drawing")
    assert {" ".join(sorted(one["terms"])): one["size"] for one in table.data["clusters"]} == {
        " ".join(sorted(words.split())): 20 for words in SUBJECTS
    }
    assert (table.data["plot"]["type"], len(table.data["plot"]["points"])) == ("scatter", 60)
    assert (own.status, own.data["texts"], own.data["source"]) == ("completed", 9, "the pages of http://h/")
    assert (other.status, other.error.type) == ("error", "NoCrawl")
    assert (sent.status, sent.data["texts"], sent.data["source"]) == ("completed", 2, "column “note” of sent.csv")
    assert (stolen.status, stolen.error.type) == ("error", "FileMissing")
    assert (wordless.error.type, wordless.error.retryable) == ("NoTerms", False)
    assert "give one of texts, source" in twice.error.message
