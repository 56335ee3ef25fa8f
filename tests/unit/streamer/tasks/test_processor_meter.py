"""What the metrics of a streamer say of the processors."""

import asyncio
import time
from contextlib import contextmanager

import pytest

from headway import codec
from headway.records import KindRecord, ProcessorRecord
from headway.testing import progress
from headway_streamer.tasks.processor_meter import PAUSE_SECONDS, ProcessorMeter, counts_of

pytestmark = pytest.mark.looptime


@contextmanager
def counting(parts):
    """Not a fixture: only the test itself runs in virtual time."""
    root = asyncio.ensure_future(ProcessorMeter(parts.kinds, parts.listing, parts.metrics).keep_counted())
    yield
    root.cancel()


def test_versions_kinds_and_slots_are_added_up():
    leases = [
        ProcessorRecord(kinds=["a", "b"], version="2", slots=10, running=4),
        ProcessorRecord(kinds=["a"], version="2", slots=10, running=12),
        ProcessorRecord(kinds=["a"]),
    ]
    counts = counts_of(leases, {"a": 3, "b": 1, "c": 0}, {"c": 7})
    assert counts.versions == {"2": 2, "unknown": 1}
    assert (counts.slots, counts.busy) == (20, 14)  # one that hands jobs back runs more than it has slots
    assert (counts.kinds, counts.waiting) == ({"a": 3, "b": 1, "c": 0}, {"c": 7})


async def test_tasks_that_no_processor_will_run_are_counted_and_reported_ones_are_not(parts):
    parts.offer("k", processors=1)
    parts.kind_bucket.set("gone", codec.encode_json(KindRecord(kind="gone", params={"type": "object"})))
    for task, kind, status, more in (
        ("t1", "gone", "queued", {}),
        ("t2", "gone", "retrying", {}),
        ("t3", "gone", "completed", {}),
        ("t4", "gone", "queued", {"reported": True}),
        ("t5", "k", "queued", {}),
        ("t6", "gone", "queued", {"run_at": time.time() + 60}),
    ):
        await parts.add_task(task, kind, **more)
        await parts.write(task, progress(status))
    with counting(parts):
        await asyncio.sleep(1)
        assert parts.counted("processors") == 1
        assert parts.counted("processors_by_kind", kind="k") == 1
        assert parts.metrics.registry.get_sample_value("headway_processors_by_kind", {"kind": "gone"}) == 0
        assert parts.counted("tasks_without_processor", kind="gone") == 2
        assert parts.metrics.registry.get_sample_value("headway_tasks_without_processor", {"kind": "k"}) is None


async def test_no_processor_is_a_count_and_unreachable_is_none(parts):
    value = parts.metrics.registry.get_sample_value
    with counting(parts):
        await asyncio.sleep(1)
        assert value("headway_processors") == 0
        parts.leases.away = True
        await asyncio.sleep(PAUSE_SECONDS)
        assert value("headway_processors") is value("headway_processor_slots", {"state": "busy"}) is None
        parts.leases.away = False
        await asyncio.sleep(PAUSE_SECONDS)
        assert value("headway_processors") == 0
