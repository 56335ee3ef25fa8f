"""The log on a client in memory: what is asked of the server, and what its answers mean."""

import base64
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import nats.errors
import nats.js.errors
import pytest
from nats.js.api import PubAck

from headway.errors import ConflictError, EventTooLargeError, UnavailableError
from headway.eventlog.jetstream_log import JetStreamLog, incarnation_of
from headway.eventlog.log import Ack
from headway.jetstream.publisher import MAX_MESSAGE_BYTES
from headway.jetstream.stored import Stored
from headway.subjects import Names
from tests.unit.jetstream.fakes import FakeClient

pytestmark = pytest.mark.looptime


@pytest.fixture
def client():
    return FakeClient()


@pytest.fixture
def log(client):
    return JetStreamLog(client, Names("hw"))


async def test_append_names_the_sequence_that_it_follows(client, log):
    client.js.answer = PubAck(stream="HW_EVENTS", seq=7, duplicate=True)
    assert await log.put("t1", b"{}", expected=4, msg_id="m1") == Ack(7, True)
    headers = {"Nats-Msg-Id": "m1", "Nats-Expected-Last-Subject-Sequence": "4"}
    assert client.js.published == [("hw.ev.t1", b"{}", headers, "HW_EVENTS")]


async def test_append_that_lost_the_race_is_a_conflict(client, log):
    client.js.failing = [nats.js.errors.BadRequestError(code=400, err_code=10071)]
    with pytest.raises(ConflictError) as caught:
        await log.put("t1", b"{}", expected=4, msg_id="m1")
    assert (caught.value.task, caught.value.expected) == ("t1", 4)


async def test_event_over_the_limit_is_too_large(client, log):
    with pytest.raises(EventTooLargeError) as caught:
        await log.put("t1", b"x" * MAX_MESSAGE_BYTES, expected=4, msg_id="m1")
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES)


async def test_last_event_is_that_of_the_leader(client, log):
    headers = base64.b64encode(b"NATS/1.0\r\nNats-Msg-Id: m9\r\n\r\n").decode()
    client.reply = {"message": {"seq": 9, "hdrs": headers, "data": base64.b64encode(b"{}").decode()}}
    assert await log.last("t1") == Stored(9, b"{}", "m9", "t1")
    client.reply = {"message": {"seq": 10}}
    assert await log.last("t1") == Stored(10, b"", "", "t1")


async def test_log_without_an_event_has_no_last_one(client, log):
    client.reply = {"error": {"code": 404, "err_code": 10037, "description": "no message found"}}
    assert await log.last("t1") is None


@pytest.mark.parametrize(
    "reply", [{"error": {"code": 503, "err_code": 10008, "description": "unavailable"}}, nats.errors.TimeoutError()]
)
async def test_leader_that_does_not_answer_is_unavailable(client, log, reply):
    client.reply = reply
    with pytest.raises(UnavailableError):
        await log.last("t1")


async def test_page_of_events(client, log):
    client.answers((3, "t1", b"a"), (5, "t1", b"b"))
    assert [stored.seq for stored in await log.read("t1", 0, 10)] == [3, 5]
    request = msgspec.json.decode(client.published[0][1])
    assert (request["next_by_subj"], request["seq"], request["batch"]) == ("hw.ev.t1", 1, 10)


async def test_last_events_of_several_tasks(client, log):
    client.answers((3, "t1", b"a"), (5, "t2", b"b"), Nats_UpTo_Sequence=8)
    found, up_to = await log.lasts(["t1", "t2"], 2)
    assert ([stored.task for stored in found], up_to) == (["t1", "t2"], 8)
    assert msgspec.json.decode(client.published[0][1]) == {"multi_last": ["hw.ev.t1", "hw.ev.t2"], "seq": 3}


async def test_last_events_of_no_task_need_no_request(client, log):
    assert await log.lasts([], 4) == ([], 4)
    assert client.published == []


async def test_live_messages_carry_their_place_in_the_log(client, log):
    got = []
    subscription = await log.subscribe("t1", lambda *live: got.append(live))
    stored = {"Nats_Subject": "hw.ev.t1", "Nats_Last_Sequence": 5}
    await client.deliver("hw.live.t1", b"a", Nats_Sequence=7, **stored)
    await client.deliver("hw.live.t1", b"b")
    await client.deliver("hw.live.t1", b"c", Nats_Sequence="seven", **stored)
    await client.deliver("hw.live.t1", b"d", Nats_Sequence=-7, **stored)
    await client.deliver("hw.live.t1", b"e", Nats_Sequence=8, **stored | {"Nats_Subject": "hw.ev.t2"})
    assert got == [(7, 5, b"a"), (0, 0, b"b"), (0, 0, b"c"), (0, 5, b"d"), (0, 0, b"e")]
    await subscription.close()
    assert client.subscriptions == {}
    await subscription.close()  # also when the connection has ended


async def test_beats_are_published_and_not_stored(client, log):
    got = []
    await log.subscribe_beats("t1", got.append)
    await client.deliver("hw.beat.t1", b"x")
    await log.beat("t1", b"y")
    assert got == [b"x"]
    assert client.published == [("hw.beat.t1", b"y")]
    assert client.js.published == []


async def test_incarnation_is_the_time_at_which_the_stream_was_created(client, log):
    async def stream_info(name):
        return SimpleNamespace(created=datetime(2026, 1, 1, tzinfo=UTC))

    client.js.stream_info = stream_info
    assert await log.incarnation() == incarnation_of(datetime(2026, 1, 1, tzinfo=UTC))
    assert incarnation_of(datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)) > incarnation_of(datetime(2026, 1, 1, tzinfo=UTC))


async def test_stream_without_a_time_is_unavailable(client, log):
    with pytest.raises(UnavailableError):
        incarnation_of(None)
    with pytest.raises(UnavailableError):  # there is no such stream
        await log.incarnation()
