"""Where the texts are from."""

import asyncio

import msgspec
import pytest

from headway import TaskError
from headway.errors import UnavailableError
from headway.jetstream.connection import NatsSettings
from headway.testing import MemoryLog, start_job
from headway_kinds.cluster import reading
from headway_kinds.cluster.params import ClusterParams
from headway_kinds.cluster.reading import read_texts
from headway_kinds.settings import Settings


async def read(root="", **params):
    job = start_job(MemoryLog(), interval_seconds=0)
    found, settings = msgspec.convert(params, ClusterParams), Settings(data_dir=str(root))
    try:
        return await asyncio.to_thread(read_texts, job, found, settings, NatsSettings(url="nats://127.0.0.1:1"))
    finally:
        await job.abort()


async def test_given_texts_are_read_up_to_the_limit():
    texts, source, warnings = await read(texts=["red door", "", "green roof", "sea"], max_texts=2)
    assert [texts[number] for number in range(len(texts))] == ["red door", "green roof"]
    assert (texts.empty, texts.full, source, warnings) == (1, True, "4 given texts", [])


async def test_a_column_of_a_table_is_read(tmp_path):
    (tmp_path / "notes.csv").write_text("id;note\n1;red door\n2;green roof\n")
    texts, source, _ = await read(tmp_path, source="notes.csv", column="note")
    assert (texts[1], source) == ("green roof", "column “note” of notes.csv")


async def test_a_table_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(TaskError, match="There is no file"):
        await read(tmp_path, source="missing.csv")


@pytest.mark.parametrize("params", [{"crawl": "c1"}, {"file": "f1", "column": "note"}])
async def test_what_is_in_nats_is_not_read_without_it(monkeypatch, params):
    monkeypatch.setattr(reading, "NATS_SECONDS", 0.1)
    with pytest.raises(UnavailableError):
        await read(**params)
