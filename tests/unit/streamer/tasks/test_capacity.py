"""When a task is rejected for want of space, by what was measured last."""

import asyncio
import logging

import pytest

from headway.errors import StoreFullError, UnavailableError
from headway.jetstream.store_meter import Usage
from headway.testing import MemoryLog
from headway_streamer.metrics import Metrics
from headway_streamer.tasks.capacity import REJECTING_SECONDS, StoreCapacity
from tests.unit.streamer.conftest import Meter, parts_on

MB = 1_000_000


def capacity(*parts, max_share=0.8):
    made = StoreCapacity(Meter(), Metrics(), max_share=max_share)
    made.parts = list(parts)
    return made


async def test_what_was_accepted_since_the_measurement_counts():
    store = capacity(Usage("store", 78 * MB, 100 * MB))
    assert [store.rejection(MB) is None for _ in range(3)] == [True, True, False]


async def test_a_rejection_names_what_is_full_and_how_full_it_may_be():
    rejection = capacity(Usage("store", 80 * MB, 100 * MB)).rejection(1)
    assert str(rejection) == (
        "the JetStream store is full: 80,000,001 of 100,000,000 bytes would be used; new tasks may use 80%"
    )


@pytest.mark.parametrize(
    ("part", "accepted"),
    [
        (Usage("jobs", 79 * MB, 100 * MB), 2),
        (Usage("jobs_count", 78, 100, "messages"), 2),
        (Usage("events", 79 * MB, 100 * MB), 100),
        (Usage("events", 81 * MB, 100 * MB), 0),
    ],
)
async def test_each_part_grows_by_what_a_task_adds_to_it(part, accepted):
    store = capacity(part)
    found = 0
    while store.rejection(MB) is None:
        found += 1
    assert found == accepted


async def test_without_limits_and_without_a_share_nothing_is_rejected():
    assert capacity().rejection(1 << 60) is None
    assert capacity(Usage("store", 100, 100), max_share=0).rejection(1) is None


async def test_after_the_server_had_no_space_it_is_not_asked_for_a_while(monkeypatch):
    store, now = capacity(), [100.0]
    loop = type("Loop", (), {"time": lambda self: now[0]})()
    monkeypatch.setattr("headway_streamer.tasks.capacity.asyncio.get_running_loop", lambda: loop)
    error = StoreFullError("the JetStream store")
    store.note_full(error)
    assert store.rejection(1) is error
    now[0] += REJECTING_SECONDS
    assert store.rejection(1) is None


async def test_rejections_are_logged_once(caplog):
    caplog.set_level(logging.INFO)
    store = capacity(Usage("store", 100, 100))
    assert all(store.rejection(1) is not None for _ in range(5))
    assert [record.action for record in caplog.records] == ["store_full"]


@pytest.mark.looptime
async def test_the_store_is_measured_while_tasks_are_accepted_and_seldom_otherwise(caplog):
    caplog.set_level(logging.INFO)
    async with parts_on(MemoryLog()) as parts:
        meter, store = parts.meter, parts.capacity
        meter.connected = False
        root = asyncio.ensure_future(store.keep_measured())
        await asyncio.sleep(1)
        assert meter.measured == 0
        meter.connected, meter.found = True, [Usage("store", 90, 100)]
        await asyncio.sleep(1)
        assert (meter.measured, parts.counted("store_usage_ratio", part="store")) == (1, 0.9)
        await asyncio.sleep(7)
        assert meter.measured == 1
        assert store.rejection(1) is not None
        meter.found = [Usage("store", 10, 100)]
        await asyncio.sleep(2)
        assert store.rejection(1) is None
        meter.found = UnavailableError("unreachable")
        await asyncio.sleep(2)
        root.cancel()
    assert [record.action for record in caplog.records] == ["store_full", "store_has_space", "store_unknown"]
