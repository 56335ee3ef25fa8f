"""Creating what is missing in NATS: once, in order, and patiently."""

import asyncio
from types import SimpleNamespace

import nats.errors
import nats.js.errors
import pytest
from nats.js.api import DiscardPolicy

from headway.errors import StoreFullError, UnavailableError
from headway.jetstream.connection import NatsSettings
from headway.jetstream.grants import created_streams
from headway.jetstream.provision import (
    CHECK_SECONDS,
    MIN_JOBS_BYTES,
    ensure,
    ensure_patiently,
    job_consumer,
    keep_ensured,
    report_other_ages,
    streams,
)
from headway.subjects import Names

NAMES = Names("hw")
EVERY = [
    "HW_EVENTS",
    "HW_DEAD",
    "HW_DELETIONS",
    "KV_hw_tasks",
    "KV_hw_kinds",
    "KV_hw_secrets",
    "KV_hw_token_keys",
    "KV_hw_revocations",
    "KV_hw_processors",
    "KV_hw_reporters",
    "KV_hw_unique",
    "KV_hw_scheduled",
    "OBJ_hw_results",
    "OBJ_hw_files",
    "HW_JOBS",
]
KEPT = {
    *("HW_EVENTS", "HW_DELETIONS", "KV_hw_tasks", "KV_hw_unique", "KV_hw_scheduled"),
    *("OBJ_hw_results", "OBJ_hw_files"),
}
"""Streams of what is kept of tasks."""


@pytest.fixture
def js(client):
    return client.js


def test_streams_refuse_at_their_limit_instead_of_dropping():
    events, dead, *buckets, jobs = made = streams(NAMES, NatsSettings(replicas=3, max_jobs=0, max_jobs_bytes=0))
    assert {stream.discard for stream in (events, *buckets, jobs)} == {DiscardPolicy.NEW}
    assert {stream.num_replicas for stream in made} == {3}
    assert (jobs.max_msgs, jobs.max_bytes) == (-1, -1)
    assert dead.name == NAMES.dead_stream


@pytest.mark.security
def test_no_stream_lets_a_publisher_replace_what_others_have_stored():
    made = {stream.name: stream for stream in streams(NAMES, NatsSettings())}
    assert set(made) == set(created_streams(NAMES))
    assert not any(stream.allow_rollup_hdrs for stream in made.values())
    once = {
        name for name, stream in made.items() if stream.discard_new_per_subject and stream.max_msgs_per_subject == 1
    }
    assert once >= {"KV_hw_tasks", "KV_hw_scheduled", "KV_hw_secrets", "KV_hw_token_keys", "KV_hw_revocations"}
    # Where a message may have a life of its own, that is the first of its subject.
    assert {name for name, stream in made.items() if stream.allow_msg_ttl} == {"KV_hw_revocations"}


@pytest.mark.security
def test_revocations_are_kept_for_the_longest_life_of_a_token_and_keys_for_two_days():
    made = {stream.name: stream for stream in streams(NAMES, NatsSettings(max_token_seconds=1000.0))}
    assert made["KV_hw_revocations"].max_age == 1000.0
    assert made["KV_hw_token_keys"].max_age > 2 * 24 * 3600
    assert made["KV_hw_revocations"].max_msgs == 100_000


def test_consumer_of_a_kind_redelivers_indefinitely():
    config = job_consumer(NAMES, "crawl", ack_wait_seconds=30.0, concurrency=20)
    assert (config.name, config.durable_name, config.filter_subject) == ("crawl", "crawl", "hw.job.crawl.*")
    assert (config.max_deliver, config.max_ack_pending) == (-1, 2000)


async def test_everything_is_created_once_and_the_jobs_last(js):
    await ensure(js, NAMES)
    assert list(js.streams) == EVERY
    created = [call for call in js.calls if call.startswith("add")]
    await ensure(js, NAMES)
    assert [call for call in js.calls if call.startswith("add")] == created


async def test_process_that_is_slower_than_another_finds_what_that_one_created(js):
    slower = js.add_stream

    async def add_stream(config):
        await slower(config)
        raise nats.js.errors.BadRequestError(code=400, err_code=10058)

    js.add_stream = add_stream
    await ensure(js, NAMES)
    assert list(js.streams) == EVERY


@pytest.mark.parametrize(
    ("free", "limit"),
    [
        (1 << 62, 1024 * 1024 * 1024),
        (400 * 1024 * 1024, 100 * 1024 * 1024),
        (2 * MIN_JOBS_BYTES, -1),
    ],
)
async def test_jobs_reserve_at_most_a_quarter_of_the_free_space(js, free, limit):
    js.free_bytes = free
    await ensure(js, NAMES)
    assert js.streams["HW_JOBS"].max_bytes == pytest.approx(limit, rel=0.01)


async def test_jobs_reserve_at_most_a_quarter_of_what_the_account_has_left(js):
    js.limit_bytes, js.used_bytes = 400 * 1024 * 1024, 40 * 1024 * 1024
    await ensure(js, NAMES)
    assert js.streams["HW_JOBS"].max_bytes == 90 * 1024 * 1024
    assert not any("PROBE" in call for call in js.calls)


async def test_jobs_reserve_nothing_when_the_space_is_gone_meanwhile(js):
    slow = js.add_stream

    async def add_stream(config):
        if config.name == "HW_JOBS" and config.max_bytes != -1:
            raise nats.js.errors.APIError(code=500, err_code=10047, description="insufficient storage")
        await slow(config)

    js.add_stream = add_stream
    await ensure(js, NAMES)
    assert js.streams["HW_JOBS"].max_bytes == -1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (nats.errors.NoRespondersError(), UnavailableError),
        (nats.js.errors.APIError(code=500, err_code=10047, description="insufficient storage"), StoreFullError),
    ],
)
async def test_errors_are_those_of_headway(js, error, expected):
    js.failing = [error]
    with pytest.raises(expected):
        await ensure(js, NAMES)


@pytest.mark.looptime
async def test_patient_one_repeats_every_second_until_nats_answers(js, caplog):
    js.failing = [nats.errors.NoRespondersError()] * 5
    began = asyncio.get_running_loop().time()
    await ensure_patiently(js, NAMES)
    assert asyncio.get_running_loop().time() - began == pytest.approx(5.0, abs=0.1)
    assert [record.action for record in caplog.records] == ["objects_wait"] * 5
    assert list(js.streams) == EVERY


@pytest.mark.looptime
async def test_lost_stream_is_created_within_15_seconds_and_at_once_after_a_reconnection(js):
    reconnected = []
    connection = SimpleNamespace(
        client=SimpleNamespace(jetstream=lambda: js), names=NAMES, settings=NatsSettings(), on_reconnect=reconnected
    )
    keeping = asyncio.ensure_future(keep_ensured(connection))
    await asyncio.sleep(1)
    js.streams.pop("HW_EVENTS")
    await asyncio.sleep(CHECK_SECONDS)
    assert sorted(js.streams) == sorted(EVERY)
    js.streams.pop("HW_EVENTS")
    reconnected[0]()
    await asyncio.sleep(0.1)
    assert sorted(js.streams) == sorted(EVERY)
    keeping.cancel()
    await asyncio.wait({keeping})
    assert reconnected == []


async def test_stream_that_cannot_be_created_raises(js):
    async def stream_info(name):
        return SimpleNamespace() if name != "HW_JOBS" else await missing(name)

    missing = js.stream_info
    js.stream_info = stream_info
    js.add_stream = denied
    with pytest.raises(UnavailableError):
        await ensure(js, NAMES)


async def denied(config):
    raise nats.js.errors.ServerError(code=500, err_code=10049, description="denied")


def test_what_is_kept_of_tasks_is_kept_for_the_retention():
    made = {s.name: s.max_age for s in streams(NAMES, NatsSettings(retention_seconds=2e5, dead_retention_seconds=3e5))}
    kept = {name for name, age in made.items() if age == 2e5}
    assert kept == KEPT
    assert made["HW_DEAD"] == 3e5


async def test_streams_of_another_age_are_reported(js, caplog):
    await ensure(js, NAMES)
    await report_other_ages(js, NAMES, NatsSettings())
    assert caplog.records == []
    await report_other_ages(js, NAMES, NatsSettings(retention_seconds=2e5))
    assert {record.action for record in caplog.records} == {"other_age"}
    assert {record.stream for record in caplog.records} == KEPT
    js.failing = [nats.errors.NoRespondersError()]
    with pytest.raises(UnavailableError):
        await report_other_ages(js, NAMES, NatsSettings())
