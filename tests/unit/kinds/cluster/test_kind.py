"""The kind `cluster`: its parameters, and where the texts are from."""

import asyncio
import importlib.util
import sys

import msgspec
import pytest

from headway import TaskError
from headway.errors import ParamsError, SettingsError
from headway.jetstream.connection import NatsSettings
from headway.kind import REGISTRY
from headway.testing import MemoryLog, start_job
from headway.values.params import read, schema
from headway_kinds.cluster.kind import MAX_LISTED, ClusterParams, cluster, register
from headway_kinds.settings import Settings


async def run(root=None, **params):
    job = start_job(MemoryLog(), interval_seconds=0)
    try:
        settings = Settings(data_dir=str(root or ""))
        return await asyncio.to_thread(cluster, job, msgspec.convert(params, ClusterParams), settings, NatsSettings())
    finally:
        await job.abort()


async def test_given_texts_are_clustered_without_their_stop_words():
    report = await run(texts=["the red door please", "the green roof please"], ignore=["Please"], k=2)
    assert (report.source, report.terms, report.k) == ("2 given texts", 4, 2)
    assert sorted(term for one in report.clusters for term in one.terms) == ["door", "green", "red", "roof"]
    assert (await run(texts=["the door"], stop_words="none", words_per_term=2)).terms == 3


async def test_a_column_of_a_table_is_clustered(tmp_path):
    (tmp_path / "notes.csv").write_text("id;note\n1;red door\n2;green roof\n3;blue sea\n")
    report = await run(tmp_path, source="notes.csv", column="note", max_texts=2)
    assert (report.source, report.texts) == ("column “note” of notes.csv", 2)
    assert report.warnings == ["Only the first 2 texts are clustered: a limit of their number or size was reached."]


async def test_a_table_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(TaskError, match="There is no file"):
        await run(tmp_path, source="missing.csv")


@pytest.mark.parametrize(
    ("params", "pointer", "detail"),
    [
        ({}, "/params", "give one of texts, source"),
        ({"texts": ["a"], "source": "a.csv"}, "/params", "give one of texts, source"),
        ({"source": "a.csv", "crawl": "t1"}, "/params", "give one of texts, source"),
        ({"crawl": "t1\n"}, "/params/crawl", "matching regex"),
        ({"crawl": "t 1"}, "/params/crawl", "matching regex"),
        ({"texts": ["a"], "column": "text"}, "/params", "give source too"),
        ({"texts": ["a"], "k": 51}, "/params/k", "Invalid enum value 51"),
        ({"texts": ["a"], "k": 0}, "/params/k", "Invalid enum value 0"),
        ({"texts": ["a", 1]}, "/params/texts/1", "Expected `str`"),
        ({"texts": ["a"] * (MAX_LISTED + 1)}, "/params/texts", "length <= 20000"),
        ({"texts": ["a", "x" * 100_001]}, "/params/texts/1", "length <= 100000"),
        ({"texts": ["a"], "max_k": 1}, "/params/max_k", ">= 2"),
        ({"texts": ["a"], "seed": -1}, "/params/seed", ">= 0"),
        ({"texts": ["a"], "other": 1}, "/params", "unknown field `other`"),
    ],
)
def test_wrong_parameters_are_named(params, pointer, detail):
    with pytest.raises(ParamsError) as error:
        read(msgspec.json.encode(params), ClusterParams)
    assert error.value.errors[0]["pointer"] == pointer
    assert detail in error.value.errors[0]["detail"]


def test_the_number_of_clusters_is_a_choice_in_the_schema():
    assert schema(ClusterParams)["properties"]["k"]["enum"][:3] == [1, 2, 3]


def test_a_missing_package_is_an_error_that_names_the_extra(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else find(name))
    with pytest.raises(SettingsError, match=r"cluster needs sklearn.*pip install.*\[cluster\]"):
        register({})


def test_registering_imports_no_package_of_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn" or "cluster.analysis" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(REGISTRY, "_kinds", {})
    register({})
    assert REGISTRY.get("cluster").description.startswith("Cluster texts")
    assert "sklearn" not in sys.modules
