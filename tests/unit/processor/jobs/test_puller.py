"""Jobs are pulled, one or several at a time, and none that arrives late is lost."""

import asyncio

import pytest

from headway.errors import UnavailableError
from headway.jetstream import provision
from headway.subjects import Names
from headway_processor.jobs.puller import MARGIN_SECONDS, Puller
from tests.unit.processor.jobs.fake_nats import FakeNats, connection

pytestmark = pytest.mark.looptime
CONFIG = provision.job_consumer(Names("hw"), "k", ack_wait_seconds=30, concurrency=2)


@pytest.fixture
def server():
    return FakeNats()


@pytest.fixture
async def puller(server, monkeypatch):
    async def ensure(*parts):
        pass

    monkeypatch.setattr(provision, "ensure", ensure)
    puller = Puller(connection(server), CONFIG)
    await puller.bind()
    return puller


async def pulling(puller, server, wait_seconds=1.0, count=1):
    pull = asyncio.create_task(puller.next(count, wait_seconds))
    await server.request_made()
    return pull


async def test_a_missing_consumer_is_created_and_a_changed_one_updated(puller, server):
    assert server.consumers == {CONFIG.durable_name: CONFIG}
    server.consumers[CONFIG.durable_name] = CONFIG.evolve(max_ack_pending=1)
    await puller.bind()
    assert server.consumers == {CONFIG.durable_name: CONFIG}


async def test_a_consumer_that_is_current_stays(puller, server):
    server.consumers[CONFIG.durable_name] = current = CONFIG.evolve(description="as it is")
    await puller.bind()
    assert server.consumers[CONFIG.durable_name] is current


async def test_a_job_is_delivered(puller, server):
    pull = await pulling(puller, server)
    await server.deliver(b'{"a":1}')
    (delivery,) = await pull
    assert delivery.payload == b'{"a":1}'


@pytest.mark.parametrize("status", ["404", "408"])
async def test_without_a_job_there_is_none(puller, server, status):
    pull = await pulling(puller, server)
    await server.reply(status, "No Messages")
    assert await pull == []


async def test_a_server_that_is_silent_ends_the_request_after_a_margin(puller, server):
    began = asyncio.get_running_loop().time()
    assert await puller.next(1, 1.0) == []
    assert asyncio.get_running_loop().time() - began == pytest.approx(1.0 + MARGIN_SECONDS, abs=0.1)


async def test_another_status_is_an_error(puller, server):
    pull = await pulling(puller, server)
    await server.reply("409", "Consumer Deleted")
    with pytest.raises(UnavailableError, match="409 Consumer Deleted"):
        await pull


async def test_without_a_connection_nothing_is_requested(puller, server):
    server.is_connected = False
    with pytest.raises(UnavailableError, match="unreachable"):
        await puller.next(1, 1.0)
    assert server.requests == []


async def test_several_jobs_are_delivered_together_and_the_last_says_how_many_wait(puller, server):
    pull = await pulling(puller, server, count=2)
    await server.deliver(b"1", waiting=5)
    await asyncio.sleep(0.5)
    assert not pull.done()
    await server.deliver(b"2", waiting=4)
    assert [delivery.payload for delivery in await pull] == [b"1", b"2"]
    assert puller.waiting == 4


@pytest.mark.parametrize("status", ["408", "409"])
async def test_what_has_arrived_is_delivered_when_the_request_ends(puller, server, status):
    pull = await pulling(puller, server, count=2)
    await server.deliver()
    await server.reply(status)
    assert len(await pull) == 1
    pull = await pulling(puller, server)
    await server.reply("408")
    assert (await pull, puller.waiting) == ([], 0)


async def test_a_job_of_an_earlier_request_takes_the_place_of_one_that_is_returned(puller, server):
    assert await puller.next(1, 0.1) == []
    pull = await pulling(puller, server, count=1)
    await server.deliver(b"late")
    await server.deliver(b"own")
    assert [delivery.payload for delivery in await pull] == [b"late"]
    assert server.answers == [b"-NAK"]


async def test_all_jobs_that_arrive_before_a_cancellation_are_returned(puller, server):
    pull = await pulling(puller, server, count=3)
    await server.deliver()
    await server.deliver()
    pull.cancel()
    await asyncio.wait({pull})
    assert server.answers == [b"-NAK"] * 2
    closing = asyncio.create_task(puller.close())
    await asyncio.sleep(0.1)
    assert not closing.done()
    await server.deliver()
    await closing
    assert (server.answers, server.drained) == ([b"-NAK"] * 3, True)


async def test_a_job_that_arrives_between_two_requests_is_returned(puller, server):
    await server.deliver()
    assert server.answers == [b"-NAK"]


async def test_a_job_that_arrives_with_a_cancellation_is_returned(puller, server):
    pull = await pulling(puller, server)
    await server.deliver()
    pull.cancel()
    await asyncio.wait({pull})
    assert (pull.cancelled(), server.answers) == (True, [b"-NAK"])


async def test_closing_waits_for_the_last_request_and_returns_its_job(puller, server):
    pull = await pulling(puller, server)
    pull.cancel()
    await asyncio.wait({pull})
    closing = asyncio.create_task(puller.close())
    await asyncio.sleep(0.1)
    assert not closing.done()
    await server.deliver()
    await closing
    assert (server.answers, server.drained) == ([b"-NAK"], True)


async def test_closing_without_a_connection_returns_at_once(puller, server):
    server.is_connected = False
    await puller.close()
    assert not server.drained


async def test_pending_jobs_are_those_of_the_consumer(puller, server):
    server.pending = 3
    assert await puller.pending() == 3
    server.consumers.clear()
    with pytest.raises(UnavailableError):
        await puller.pending()
