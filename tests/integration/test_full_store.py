"""A JetStream store that fills up: new tasks are refused in time, the ones that run go on."""

import asyncio
import logging
import re
from contextlib import suppress

import msgspec
import pytest

from headway import codec
from headway.errors import StoreFullError
from headway.eventlog.chain import Chain
from headway.eventlog.jetstream_log import JetStreamLog
from headway.jetstream import provision
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.publisher import Publisher
from headway.lifecycle import JobLifecycle
from headway.records import KindRecord
from headway.subjects import Names
from headway_processor.metrics import PrometheusMetrics
from tests.fixtures.condition import holds
from tests.fixtures.http import run_streamer
from tests.fixtures.nats import run_nats

NAMES = Names("hw")
LARGE = {"text": "x" * 240_000}
STORE_BYTES = 8 * 1024 * 1024


@pytest.fixture
def small_server(tmp_path):
    with run_nats(tmp_path, f"jetstream {{ max_file_store: {STORE_BYTES} }}") as server:
        yield server


@pytest.fixture
async def small(small_server):
    """A connection to a server whose store has 8 MB, with the kind `any`."""
    connection = Connection(NatsSettings(url=small_server.url), "test")
    await connection.open()
    js = connection.client.jetstream()
    await provision.ensure(js, NAMES, NatsSettings(max_jobs_bytes=0))
    await (await js.key_value(NAMES.kinds_bucket)).put("any", msgspec.json.encode(KindRecord(kind="any")))
    yield connection
    await connection.close()


async def used_share(connection):
    return (await connection.client.jetstream().account_info()).storage / STORE_BYTES


async def fill(connection):
    """Use up all space, by events of another task."""
    publisher = Publisher(connection.client, timeout_seconds=2)
    for size in (240_000, 1_000, 1):
        with suppress(StoreFullError):
            while True:
                await publisher.store("filling", NAMES.event("filler"), b"x" * size)


async def test_submits_are_refused_in_time_while_a_running_task_goes_on(small, small_server):
    log = JetStreamLog(small.client, NAMES)
    lifecycle = JobLifecycle(Chain(log, "running", attempt=1), interval_seconds=0.01)
    job = lifecycle.job
    lifecycle.start()
    async with run_streamer(small_server.url, NAMES.namespace) as streamer:
        assert await holds(lambda: streamer.components.capacity.parts, 10)
        replies = []
        for done in range(25):
            replies.append(await streamer.submit("any", LARGE, **{"Idempotency-Key": f"k{done}"}))
            job.update(done=done, total=25)
        statuses = [reply.status_code for reply in replies]
        accepted = statuses.count(202)
        assert statuses == [202] * accepted + [507] * (25 - accepted)
        assert 10 < accepted < 17
        assert 0.7 < await used_share(small) < 0.85
        problem = replies[-1].json()
        assert problem["title"] == "Insufficient Storage"
        assert "the JetStream store is full" in problem["detail"]
        # What was accepted stays accepted: a client that lost the answer asks again.
        again = await streamer.submit("any", LARGE, **{"Idempotency-Key": "k0"})
        assert (again.status_code, again.json()["task"]) == (202, replies[0].json()["task"])
        assert (
            b'submissions_rejected_total{reason="store_full"} %d' % (25 - accepted)
            in streamer.components.metrics.exposition()
        )
    await lifecycle.finish("completed")
    ticks = [codec.decode(stored.payload) for stored in await log.read("running")]
    assert (ticks[-1].status, ticks[-1].done) == ("completed", 24)
    assert len({tick.done for tick in ticks}) > 3


async def test_what_cannot_be_stored_waits_for_space_and_is_logged_once(small, caplog):
    caplog.set_level(logging.INFO)
    log, metrics = JetStreamLog(small.client, NAMES), PrometheusMetrics(lambda: True)
    lifecycle = JobLifecycle(Chain(log, "running", attempt=1, on_refused=metrics.store_failed), interval_seconds=0.01)
    job = lifecycle.job
    lifecycle.start()
    job.step("first")
    await job.flush()
    await fill(small)
    for done in range(50):
        job.update(done=done, total=50, message="m" * 100)
        job.chunk(f"{done} ")
    job.step("second")

    def refused():
        return float(re.search(r'store_failures_total\{reason="store_full"\} (\S+)', metrics.exposition().decode())[1])

    assert await holds(lambda: refused() >= 3, 10)
    job.update(done=7, total=9)
    await small.client.jetstream().purge_stream(NAMES.events_stream, subject=NAMES.event("filler"))
    await lifecycle.finish("completed")
    events = await log.read("running")
    text = b"".join(events[n].payload for n in range(len(events)))
    assert b'"step":"second","done":7.0' in text
    assert "".join(re.findall(r'"text":"([^"]*)"', text.decode())) == "".join(f"{done} " for done in range(50))
    assert len(events) < 10
    logged = [record.action for record in caplog.records if hasattr(record, "task")]
    assert logged == ["store_full", "store_has_space"]


async def test_the_stream_of_jobs_takes_a_quarter_of_a_small_store_and_fills_up_first(small, small_server):
    js = small.client.jetstream()
    await js.delete_stream(NAMES.jobs_stream)
    await provision.ensure(js, NAMES)
    async with run_streamer(small_server.url, NAMES.namespace) as streamer:
        config = (await js.stream_info(NAMES.jobs_stream)).config
        assert STORE_BYTES * 0.24 < config.max_bytes <= STORE_BYTES // 4
        assert config.max_msgs == 1_000_000
        assert await holds(lambda: streamer.components.capacity.parts, 10)
        replies = [await streamer.submit("any", LARGE) for _ in range(9)]
    assert [reply.status_code for reply in replies] == [202] * 6 + [507] * 3
    assert "the stream of jobs is full" in replies[-1].json()["detail"]


async def test_a_full_queue_refuses_the_next_job(nats_server, names):
    settings = NatsSettings(url=nats_server.url, namespace=names.namespace, max_jobs=3)
    connection = Connection(settings, "test")
    await connection.open()
    js = connection.client.jetstream()
    await provision.ensure(js, names, settings)
    await (await js.key_value(names.kinds_bucket)).put("any", msgspec.json.encode(KindRecord(kind="any")))
    async with run_streamer(nats_server.url, names.namespace, max_store_share=0) as streamer:
        replies = [await streamer.submit("any", {}) for _ in range(5)]
    assert [reply.status_code for reply in replies] == [202, 202, 202, 507, 507]
    assert "maximum messages exceeded" in replies[-1].json()["detail"]
    await connection.close()


async def test_events_of_other_tasks_never_push_out_those_of_one_that_runs(nats_server, connection, names):
    js = connection.client.jetstream()
    config = (await js.stream_info(names.events_stream)).config
    await js.update_stream(config.evolve(max_bytes=100_000))
    log = JetStreamLog(connection.client, names)
    first = await log.put("running", b"{}", expected=0, msg_id="1")
    with pytest.raises(StoreFullError, match="the stream is full"):
        await asyncio.gather(*(log.put(f"t{n}", b"x" * 9_000, expected=0, msg_id=f"t{n}") for n in range(20)))
    assert (await log.last("running")).seq == first.seq
