"""What direct dispatch leans on in nats-py, and the numbers in raw headers."""

import hashlib
import inspect

import pytest
from nats.aio.client import Client

from headway.dispatch import sequence_in

HEADERS = (
    b"NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 3\r\nNats-Msg-Id: x\r\nNats-Stream: HW_EVENTS\r\n"
    b"Nats-Subject: hw.ev.t1\r\nNats-Sequence: 41\r\nNats-Time-Stamp: 2026-01-01T00:00:00Z\r\n"
    b"Nats-Last-Sequence: 39\r\n\r\n"
)


def test_nats_py_is_as_it_was_when_direct_dispatch_was_written():
    source = inspect.getsource(Client._process_msg)
    assert hashlib.sha256(source.encode()).hexdigest()[:16] == "6cff75947e97717a"


@pytest.mark.parametrize(
    ("headers", "name", "number"),
    [
        (HEADERS, b"\nNats-Sequence:", 41),
        (HEADERS, b"\nNats-Last-Sequence:", 39),
        (b"NATS/1.0\r\nNats-Sequence: 9\r\n" + HEADERS[10:], b"\nNats-Sequence:", 41),
        (b"", b"\nNats-Sequence:", 0),
        (b"NATS/1.0\r\n\r\n", b"\nNats-Sequence:", 0),
        (b"NATS/1.0\r\nNats-Sequence: x\r\n\r\n", b"\nNats-Sequence:", 0),
        (b"NATS/1.0\r\nX-Nats-Sequence: 5\r\n\r\n", b"\nNats-Sequence:", 0),
        (b"NATS/1.0\r\nNats-Sequence:7\r\n\r\n", b"\nNats-Sequence:", 7),
        (b"NATS/1.0\r\nNats-Sequence: -5\r\n\r\n", b"\nNats-Sequence:", 0),
        (b"NATS/1.0\r\nNats-Sequence", b"\nNats-Sequence:", 0),
    ],
)
def test_the_servers_number_is_the_last_of_its_name(headers, name, number):
    assert sequence_in(headers, name) == number
