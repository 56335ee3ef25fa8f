"""The kinds that processors have published."""

import asyncio

import pytest

from headway import codec
from headway.records import KindRecord, ProcessorRecord
from headway.testing import MemoryBucket
from headway_streamer.malformed import Malformed
from headway_streamer.metrics import Metrics
from headway_streamer.problems import Problem
from headway_streamer.tasks.kinds import RECHECK_SECONDS, KindCatalogue

KIND = KindRecord(kind="k", params={"type": "object", "properties": {"text": {"type": "string"}}})


@pytest.mark.parametrize("schema", [{"type": "objekt"}, {"properties": {"a": {"type": "string", "pattern": "("}}}])
async def test_a_kind_whose_schema_is_not_one_is_skipped_and_noted(schema):
    kinds, metrics = MemoryBucket(), Metrics()
    kinds.set("bad", codec.encode_json(KindRecord(kind="bad", params=schema)))
    kinds.set("k", codec.encode_json(KIND))
    catalogue = KindCatalogue(kinds, MemoryBucket(), Malformed(metrics))
    assert [kind["kind"] for kind in await catalogue.offers()] == ["k"]
    assert b'headway_records_malformed_total{what="kind"} 1' in metrics.exposition()
    with pytest.raises(Problem, match="Unknown kind"):
        await catalogue.kind("bad")


@pytest.mark.looptime
async def test_what_has_come_since_the_last_read_is_found_before_it_is_called_unknown():
    kinds, leases = MemoryBucket(), MemoryBucket()
    catalogue = KindCatalogue(kinds, leases, malformed=None)
    with pytest.raises(Problem):
        await catalogue.kind("k")
    kinds.set("k", codec.encode_json(KIND))
    await asyncio.sleep(RECHECK_SECONDS)
    assert (await catalogue.kind("k")).kind == "k"
    assert await catalogue.processors_of("k") == 0
    leases.set("p1", codec.encode_json(ProcessorRecord(kinds=["k"])))
    await asyncio.sleep(RECHECK_SECONDS)
    assert await catalogue.processors_of("k") == 1
    reads = kinds.reads
    for _ in range(100):
        assert await catalogue.processors_of("k") == 1
        with pytest.raises(Problem):
            await catalogue.kind("unknown")
    assert kinds.reads == reads
