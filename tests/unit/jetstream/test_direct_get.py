"""Batched reads: the messages of a batch, its end, and what is not answered."""

import asyncio

import nats.errors
import pytest

from headway.errors import UnavailableError
from headway.jetstream.direct_get import DirectGet
from headway.jetstream.stored import Stored
from tests.unit.jetstream.fakes import STORED

pytestmark = pytest.mark.looptime


@pytest.fixture
def direct(client):
    return DirectGet(client, "HW_EVENTS")


async def test_batch_is_returned_with_the_sequence_up_to_which_it_holds(client, direct):
    client.answers((3, "t1", b"a"), (5, "t2", b"b"), Nats_UpTo_Sequence=9)
    assert await direct.get({"multi_last": ["x.>"]}) == (
        [
            Stored(3, b"a", "m3", "t1", time=STORED, subject="x.t1"),
            Stored(5, b"b", "m5", "t2", time=STORED, subject="x.t2"),
        ],
        9,
    )
    assert client.published == [("$JS.API.DIRECT.GET.HW_EVENTS", b'{"multi_last":["x.>"]}')]


async def test_nothing_found_is_an_empty_batch(client, direct):
    client.answers(end="404")
    assert await direct.get({"batch": 1}) == ([], 0)


async def test_refusal_of_the_server_is_unavailable(client, direct):
    client.answers(end="413", Description="Too Many Results")
    with pytest.raises(UnavailableError, match="413 Too Many Results"):
        await direct.get({"batch": 1})


async def test_missing_answer_is_unavailable_after_the_timeout(client, direct, looptime):
    with pytest.raises(UnavailableError):
        await direct.get({"batch": 1})
    assert looptime == pytest.approx(2.0)


async def test_connection_that_is_closed_is_unavailable(client, direct):
    def closed(request, reply):
        raise nats.errors.ConnectionClosedError

    client.on_publish = closed
    with pytest.raises(UnavailableError):
        await direct.get({"batch": 1})


async def test_requests_at_once_share_a_subscription_and_get_their_own_answers(client, direct):
    replies = []
    client.on_publish = lambda request, reply: replies.append((request["seq"], reply))
    gets = [asyncio.ensure_future(direct.get({"seq": seq, "batch": 1})) for seq in (1, 2)]
    await asyncio.sleep(0.1)
    for seq, reply in reversed(replies):
        await client.deliver(reply, b"x", Nats_Sequence=seq, Nats_Subject="x.t")
        await client.deliver(reply, Status="204")
    assert [found[0].seq for found, _ in await asyncio.gather(*gets)] == [1, 2]
    assert len(client.subscriptions) == 1


async def test_late_answer_is_ignored(client, direct):
    replies = []
    client.on_publish = lambda _, reply: replies.append(reply)
    with pytest.raises(UnavailableError):
        await direct.get({"batch": 1})
    await client.deliver(replies[0], Status="204")


async def test_second_end_of_a_batch_is_ignored(client, direct):
    replies = []
    client.on_publish = lambda _, reply: replies.append(reply)
    get = asyncio.ensure_future(direct.get({"batch": 1}))
    await asyncio.sleep(0.1)
    await client.deliver(replies[0], Status="204")
    await client.deliver(replies[0], Status="404")
    assert await get == ([], 0)
