"""What a delivery answers the queue."""

import pytest

from headway_processor.jobs.delivery import JetStreamDelivery
from tests.unit.processor.jobs.fake_nats import FakeNats


@pytest.fixture
def server():
    return FakeNats()


@pytest.fixture
def delivery(server):
    return JetStreamDelivery(server.message(b"{}"))


def test_a_delivery_is_known_by_stream_and_sequence(delivery):
    assert (delivery.subject, delivery.payload, delivery.key) == ("hw.job.k.t1", b"{}", "JOBS.7")
    assert not delivery.answered


@pytest.mark.parametrize(
    ("method", "arguments", "answer"),
    [("ack", (), b""), ("nak", (), b"-NAK"), ("nak", (2.5,), b'-NAK {"delay": 2500000000}'), ("term", (), b"+TERM")],
)
async def test_an_answer_ends_the_delivery(delivery, server, method, arguments, answer):
    await getattr(delivery, method)(*arguments)
    assert (delivery.answered, server.answers) == (True, [answer])


async def test_a_delivery_is_extended_until_it_is_answered(delivery, server):
    await delivery.extend()
    await delivery.nak(1.0)
    await delivery.extend()  # it would undo the delay
    assert server.answers == [b"+WPI", b'-NAK {"delay": 1000000000}']


@pytest.mark.parametrize("method", ["ack", "nak", "term", "extend"])
async def test_an_answer_that_is_lost_raises_nothing(delivery, server, method):
    server.lost = True
    await getattr(delivery, method)()
