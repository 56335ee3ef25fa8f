"""The private APIs of nats-py that direct dispatch relies on, and the numbers in raw headers."""

import hashlib
import inspect

import pytest
from nats.aio.client import Client

from headway.jetstream.inline_dispatch import positions, stored_as

HEADERS = (
    b"NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 3\r\nNats-Msg-Id: x\r\nNats-Stream: HW_EVENTS\r\n"
    b"Nats-Subject: hw.ev.t1\r\nNats-Sequence: 41\r\nNats-Time-Stamp: 2026-01-01T00:00:00Z\r\n"
    b"Nats-Last-Sequence: 39\r\n\r\n"
)


def test_nats_py_is_as_it_was_when_direct_dispatch_was_written():
    source = inspect.getsource(Client._process_msg)
    assert hashlib.sha256(source.encode()).hexdigest()[:16] == "6cff75947e97717a"


SUBJECT = b"\r\nNats-Subject: hw.ev.t1"
LAST = b"\r\nNats-Last-Sequence: 3\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (HEADERS, (41, 39)),
        (b"NATS/1.0\r\nNats-Last-Sequence: 8\r\nNats-Sequence: 9\r\n" + HEADERS[10:], (41, 39)),
        (b"NATS/1.0\r\nNats-Last-Sequence: 4" + SUBJECT + b"\r\nNats-Sequence: 5\r\n\r\n", (5, 4)),
        (b"NATS/1.0" + SUBJECT + b"\r\nNats-Sequence:7" + LAST, (7, 3)),
        (b"", (0, 0)),
        (b"NATS/1.0\r\n\r\n", (0, 0)),
        (b"NATS/1.0" + SUBJECT + b"\r\nNats-Sequence: x" + LAST, (0, 0)),
        (b"NATS/1.0" + SUBJECT + b"\r\nX-Nats-Sequence: 5" + LAST, (0, 0)),
        (b"NATS/1.0" + SUBJECT + b"\r\nNats-Sequence: 5\r\n\r\n", (0, 0)),
        (b"NATS/1.0" + SUBJECT + b"\r\nNats-Sequence", (0, 0)),
    ],
)
def test_the_servers_numbers_are_the_last_of_their_names(headers, found):
    assert positions(headers, stored_as("hw.ev.t1")) == found


@pytest.mark.security
@pytest.mark.parametrize(
    "headers",
    [
        b"NATS/1.0\r\nNats-Sequence: 5" + LAST,  # of no stream
        HEADERS.replace(b"hw.ev.t1", b"hw.ev.t2"),
        HEADERS.replace(b"hw.ev.t1", b"$KV.hw_tasks.t1"),
        HEADERS.replace(b"hw.ev.t1", b"hw.ev.t12"),
        HEADERS.replace(b"Nats-Subject: hw.ev.t1", b"X: Nats-Subject: hw.ev.t1"),
        # The writer's own headers, before those of the server.
        b"NATS/1.0" + SUBJECT + b"\r\nNats-Sequence: 99" + HEADERS.replace(b"hw.ev.t1", b"hw.ev.t2")[8:],
    ],
)
def test_message_that_is_not_stored_in_this_log_has_no_place_in_it(headers):
    assert positions(headers, stored_as("hw.ev.t1")) == (0, 0)
