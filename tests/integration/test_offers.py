"""What the streamers know of the processors that offer a kind, and what waiting tasks are told."""

import asyncio
from contextlib import suppress

import msgspec
import pytest

from headway import codec
from headway.errors import UnavailableError
from headway.jetstream import provision
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.errors import mapped
from headway.records import KindRecord, ProcessorRecord
from headway.service.supervisor import cancel_and_wait
from headway_processor import lease
from tests.fixtures.condition import holds, until
from tests.fixtures.http import run_streamer

WORDS = "no processor offers echo now; it runs as soon as one does"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    for module in ("kinds", "offers"):
        monkeypatch.setattr(f"headway_streamer.tasks.{module}.FRESH_SECONDS", 0.05)


@pytest.fixture
async def streamer(nats_server, connection, names):
    buckets = await connection.client.jetstream().key_value(names.kinds_bucket)
    await buckets.put("echo", msgspec.json.encode(KindRecord(kind="echo", params={"type": "object"})))
    async with run_streamer(nats_server.url, names.namespace) as running:
        yield running


async def offering(connection, *kinds):
    """A processor's lease, and how to end it."""
    task = asyncio.create_task(lease.keep_renewed(connection, lambda: ProcessorRecord(kinds=list(kinds))))
    return lambda: cancel_and_wait(task)


async def shown(streamer):
    (kind,) = (await streamer.http.get("/api/v1/kinds")).json()["kinds"]
    return kind["processors"], kind["live"]


async def until_shown(streamer, wanted):
    async def is_shown():
        return await shown(streamer) == wanted

    await until(is_shown)


async def messages(streamer, task):
    return [codec.decode(stored.payload).message for stored in await streamer.components.log.read(task)]


async def test_kinds_show_how_many_processors_offer_them(streamer, connection):
    assert await shown(streamer) == (0, False)
    ends = [await offering(connection, "echo", "other"), await offering(connection, "echo")]
    await until_shown(streamer, (2, True))
    for stop in ends:
        await stop()
    await until_shown(streamer, (0, False))


async def test_a_lease_that_is_not_renewed_expires(connection, names):
    js = connection.client.jetstream()
    info = await js.stream_info(f"KV_{names.processors_bucket}")
    assert info.config.max_age == 30.0
    assert info.config.max_age / 3 >= lease.RENEW_SECONDS


async def test_a_task_that_no_processor_offers_is_accepted_with_a_warning(streamer):
    reply = await streamer.submit()
    assert reply.status_code == 202
    assert (reply.json()["processors"], reply.json()["warning"]) == (0, WORDS)
    assert await messages(streamer, reply.json()["task"]) == [WORDS]


async def test_an_accepted_task_is_answered_with_202_though_nats_fails_right_after(streamer, monkeypatch):
    submit = streamer.components.task_store.submit

    async def submit_and_lose(*arguments, **options):
        found = await submit(*arguments, **options)
        monkeypatch.setattr(streamer.components.kinds, "_refresh", unanswered)
        return found

    async def unanswered(_):
        raise UnavailableError("lost")

    monkeypatch.setattr(streamer.components.task_store, "submit", submit_and_lose)
    assert (await streamer.submit()).status_code == 202


async def test_a_task_that_is_offered_is_accepted_without_a_warning(streamer, connection):
    stop = await offering(connection, "echo")
    await until_shown(streamer, (1, True))
    body = (await streamer.submit()).json()
    assert (body["processors"], "warning" in body) == (1, False)
    assert await messages(streamer, body["task"]) == ["waiting for a processor"]
    await stop()


async def test_waiting_tasks_get_one_event_when_a_processor_offers_their_kind(nats_server, streamer, connection, names):
    tasks = [(await streamer.submit()).json()["task"] for _ in range(3)]
    async with run_streamer(nats_server.url, names.namespace) as other:  # two would tell them
        stop = await offering(connection, "echo")

        async def announced():
            return all([len(await messages(other, task)) == 2 for task in tasks])

        await until(announced)
        await until_shown(other, (1, True))
        rounds = other.components.offers._offered
        assert await holds(lambda: rounds or other.components.offers._offered, 5)
        for task in tasks:
            assert await messages(other, task) == [WORDS, "a processor offers echo now; waiting for its turn"]
    await stop()


@pytest.mark.security
async def test_a_malformed_lease_is_skipped(streamer, connection, names):
    bucket = await connection.client.jetstream().key_value(names.processors_bucket)
    await bucket.put("bad", b"{")
    await bucket.put("good", codec.encode_json(ProcessorRecord(kinds=["echo"])))
    await until_shown(streamer, (1, True))


async def test_a_lease_is_renewed_at_once_after_a_reconnection(own_nats_server, names):
    connection = Connection(NatsSettings(url=own_nats_server.url, namespace=names.namespace), "test")
    await connection.open()
    js = connection.client.jetstream()
    await provision.ensure(js, names)
    stop = await offering(connection, "echo")

    async def renewed(revisions):
        with suppress(UnavailableError), mapped("leases"):
            return (await js.stream_info(f"KV_{names.processors_bucket}")).state.last_seq >= revisions

    await until(lambda: renewed(1))
    own_nats_server.restart()
    await until(lambda: renewed(2))
    await stop()
    await connection.close()
