"""Creating what is missing in NATS: once, in order, and patiently."""

import asyncio
from types import SimpleNamespace

import nats.errors
import nats.js.errors
import pytest
from nats.js.api import DiscardPolicy

from headway.errors import StoreFullError, UnavailableError
from headway.jetstream.connection import NatsSettings
from headway.jetstream.provision import MIN_JOBS_BYTES, ensure, ensure_patiently, job_consumer, streams
from headway.subjects import Names

NAMES = Names("hw")


@pytest.fixture
def js(client):
    return client.js


def test_streams_refuse_at_their_limit_instead_of_dropping():
    events, dead, jobs = streams(NAMES, NatsSettings(replicas=3, max_jobs=0, max_jobs_bytes=0))
    assert events.discard == jobs.discard == DiscardPolicy.NEW
    assert {stream.num_replicas for stream in (events, dead, jobs)} == {3}
    assert (jobs.max_msgs, jobs.max_bytes) == (-1, -1)


def test_consumer_of_a_kind_redelivers_indefinitely():
    config = job_consumer(NAMES, "crawl", ack_wait_seconds=30.0, concurrency=20)
    assert (config.durable_name, config.filter_subject) == ("crawl", "hw.job.crawl.*")
    assert (config.max_deliver, config.max_ack_pending) == (-1, 2000)


async def test_everything_is_created_once_and_the_jobs_last(js):
    await ensure(js, NAMES)
    assert list(js.streams) == ["HW_EVENTS", "HW_DEAD", "HW_JOBS"]
    assert set(js.buckets) == {"hw_tasks", "hw_kinds", "hw_processors"}
    assert set(js.stores) == {"hw_results"}
    created = [call for call in js.calls if call.startswith(("add", "create"))]
    await ensure(js, NAMES)
    assert [call for call in js.calls if call.startswith(("add", "create"))] == created


async def test_process_that_is_slower_than_another_finds_what_that_one_created(js):
    slower = js.add_stream

    async def add_stream(config):
        await slower(config)
        raise nats.js.errors.BadRequestError(code=400, err_code=10058)

    js.add_stream = add_stream
    await ensure(js, NAMES)
    assert list(js.streams) == ["HW_EVENTS", "HW_DEAD", "HW_JOBS"]


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
    assert list(js.streams) == ["HW_EVENTS", "HW_DEAD", "HW_JOBS"]


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
