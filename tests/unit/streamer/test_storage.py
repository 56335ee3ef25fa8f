"""When a task is refused for want of space, by what was measured last."""

import logging

import pytest
from nats.aio.client import Client

from headway.errors import StoreFullError
from headway.subjects import Names
from headway_streamer.metrics import Metrics
from headway_streamer.tasks.capacity import REFUSING_SECONDS, Part, StoreCapacity

MB = 1_000_000


def storage(*parts, max_share=0.8):
    made = StoreCapacity(Client(), Names("hw"), Metrics(), max_share=max_share)
    made.parts = list(parts)
    return made


async def test_what_was_accepted_since_the_measurement_counts():
    store = storage(Part("store", 78 * MB, 100 * MB, grows=1.0))
    assert [store.refusal(MB) is None for _ in range(3)] == [True, True, False]


async def test_a_refusal_names_what_is_full_and_how_full_it_may_be():
    refusal = storage(Part("store", 80 * MB, 100 * MB, grows=1.0)).refusal(1)
    assert str(refusal) == (
        "the JetStream store is full: 80,000,001 of 100,000,000 bytes would be used, new tasks have 80%"
    )


@pytest.mark.parametrize(
    ("part", "accepted"),
    [
        (Part("jobs", 79 * MB, 100 * MB, grows=0.5), 2),
        (Part("jobs_count", 78, 100, "messages", 1.0), 2),
        (Part("events", 79 * MB, 100 * MB, grows=0.01), 100),
        (Part("events", 81 * MB, 100 * MB, grows=0.01), 0),
    ],
)
async def test_each_part_grows_by_what_a_task_adds_to_it(part, accepted):
    store = storage(part)
    found = 0
    while store.refusal(MB) is None:
        found += 1
    assert found == accepted


async def test_without_limits_and_without_a_share_nothing_is_refused():
    assert storage().refusal(1 << 60) is None
    assert storage(Part("store", 100, 100, grows=1.0), max_share=0).refusal(1) is None


async def test_after_the_server_had_no_space_it_is_not_asked_for_a_while(monkeypatch):
    store, now = storage(), [100.0]
    loop = type("Loop", (), {"time": lambda self: now[0]})()
    monkeypatch.setattr("headway_streamer.tasks.capacity.asyncio.get_running_loop", lambda: loop)
    error = StoreFullError("the JetStream store")
    store.met_full(error)
    assert store.refusal(1) is error
    now[0] += REFUSING_SECONDS
    assert store.refusal(1) is None


async def test_refusals_are_logged_once(caplog):
    caplog.set_level(logging.INFO)
    store = storage(Part("store", 100, 100, grows=1.0))
    assert all(store.refusal(1) is not None for _ in range(5))
    assert [record.action for record in caplog.records] == ["store_full"]
