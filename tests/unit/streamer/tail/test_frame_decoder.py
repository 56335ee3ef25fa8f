"""Decoding of stored messages into frames."""

import pytest

from headway.errors import UnavailableError
from headway_streamer.metrics import Metrics
from headway_streamer.tail.frame_decoder import FrameDecoder
from tests.unit.streamer.conftest import ticks


async def test_a_message_becomes_a_frame_of_its_incarnation(parts):
    await parts.write("t1", *ticks(1, 1))
    payload = (await parts.log.last("t1")).payload
    frame = parts.decoder.frame("t1", payload, 26)
    assert (frame.native.splitlines()[0], frame.payload) == (b"id: inc.1a-1", payload)


@pytest.mark.parametrize(("task", "payload"), [("t1", b"{"), ("other", None)])
async def test_a_message_that_is_not_an_event_of_the_task_is_counted_once(parts, task, payload):
    await parts.write("t1", *ticks(1, 1))
    payload = payload or (await parts.log.last("t1")).payload
    for _ in range(2):
        assert parts.decoder.frame(task, payload, 7) is None
    assert parts.metrics.events_malformed == 1


def test_nothing_is_decoded_before_the_incarnation_is_known():
    decoder = FrameDecoder(Metrics())
    assert not decoder.known
    with pytest.raises(UnavailableError):
        decoder.frame("t1", b"{}", 1)
    decoder.incarnation = "inc"
    assert (decoder.known, decoder.incarnation) == (True, "inc")
