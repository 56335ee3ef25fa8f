"""Storing a message: its headers, its size, and the errors."""

import nats.errors
import nats.js.errors
import pytest

from headway.errors import ConflictError, StoreFullError, TooLargeError, UnavailableError
from headway.jetstream.publisher import MAX_MESSAGE_BYTES, Publisher


@pytest.fixture
def publisher(client):
    return Publisher(client, timeout_seconds=2.0)


async def test_message_carries_its_id_and_the_expected_sequence(client, publisher):
    ack = await publisher.store("an event", "hw.ev.t1", b"{}", msg_id="m1", expected=4, stream="HW_EVENTS")
    assert ack.seq == 1
    headers = {"Nats-Msg-Id": "m1", "Nats-Expected-Last-Subject-Sequence": "4"}
    assert client.js.published == [("hw.ev.t1", b"{}", headers, "HW_EVENTS")]


async def test_message_without_id_and_expectation_has_no_headers(client, publisher):
    await publisher.store("an event", "hw.ev.t1", b"{}")
    assert client.js.published == [("hw.ev.t1", b"{}", None, None)]


async def test_message_over_the_limit_is_refused_before_it_is_sent(client, publisher):
    with pytest.raises(TooLargeError):
        await publisher.store("an event", "hw.ev.t1", b"x" * MAX_MESSAGE_BYTES)
    assert client.js.published == []


async def test_limit_is_that_of_a_server_that_takes_less(client, publisher):
    assert publisher.limit_bytes == MAX_MESSAGE_BYTES
    client.max_payload = 1000
    assert publisher.limit_bytes == 1000
    await publisher.store("an event", "s", b"x" * 872)
    with pytest.raises(TooLargeError):
        await publisher.store("an event", "s", b"x" * 873)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (nats.js.errors.BadRequestError(code=400, err_code=10071), ConflictError),
        (nats.js.errors.ServiceUnavailableError(code=503, err_code=10023), StoreFullError),
        (nats.errors.NoRespondersError(), UnavailableError),
        (TimeoutError(), UnavailableError),
    ],
)
async def test_each_refusal_has_its_error(client, publisher, error, expected):
    client.js.failing = [error]
    with pytest.raises(expected) as caught:
        await publisher.store("an event", "hw.ev.t1", b"{}", expected=4)
    assert type(caught.value) is expected


async def test_wrong_sequence_is_no_conflict_when_none_was_expected(client, publisher):
    client.js.failing = [nats.js.errors.BadRequestError(code=400, err_code=10071)]
    with pytest.raises(UnavailableError):
        await publisher.store("an event", "hw.ev.t1", b"{}")
