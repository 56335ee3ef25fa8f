"""The kind `cluster` as a whole, and how it is offered."""

import asyncio
import importlib.util
import sys

import pytest

from headway.errors import SettingsError
from headway.jetstream.connection import NatsSettings
from headway.kind import REGISTRY
from headway.testing import MemoryLog, start_job
from headway_kinds.cluster.kind import cluster, register
from headway_kinds.cluster.params import ClusterParams
from headway_kinds.settings import Settings


async def run(**params):
    job = start_job(MemoryLog(), interval_seconds=0)
    try:
        return await asyncio.to_thread(cluster, job, ClusterParams(**params), Settings(), NatsSettings())
    finally:
        await job.abort()


async def test_given_texts_are_clustered_without_their_stop_words():
    report = await run(texts=["the red door please", "the green roof please"], ignore=["Please"], k=2)
    assert (report.source, report.terms, report.k) == ("2 given texts", 4, 2)
    assert sorted(term for one in report.clusters for term in one.terms) == ["door", "green", "red", "roof"]
    assert (await run(texts=["the door"], stop_words="none", words_per_term=2)).terms == 3


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
