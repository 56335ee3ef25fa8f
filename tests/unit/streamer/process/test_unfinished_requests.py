"""Counts by address, and the time that a request has."""

import asyncio
import logging

import pytest

from headway_streamer.access.addresses import address_of
from headway_streamer.process import unfinished_requests as module
from headway_streamer.process.unfinished_requests import CROWDED_SECONDS, LOG_SECONDS, Address, Limits
from headway_streamer.settings import Settings
from tests.fixtures.protocol import unfinished_requests

pytestmark = [pytest.mark.security, pytest.mark.looptime]


class Connection:
    def __init__(self, requests, host="192.0.2.1"):
        self.address = requests.connected(host)
        self.due_at = 0.0

    def on_due(self, now):
        raise NotImplementedError


async def test_head_and_body_have_their_time_each():
    requests = unfinished_requests(head_seconds=10, body_seconds=30)
    one = Connection(requests)
    requests.begun(one, 5)
    assert one.due_at == 15
    requests.expect_body(one, 9)
    assert one.due_at == 39
    requests.finished(one)
    requests.finished(one)
    assert (requests._requests, one.address.unfinished) == (set(), 0)


async def test_an_address_with_many_unfinished_requests_has_less_time_for_more():
    requests = unfinished_requests(max_unfinished_per_address=2)
    first, second, third = (Connection(requests) for _ in range(3))
    other = Connection(requests, "192.0.2.2")
    for one in (first, second, third, other):
        requests.begun(one, 0)
    assert [one.due_at for one in (first, second, third, other)] == [10, 10, CROWDED_SECONDS, 10]
    requests.expect_body(third, 0)
    assert third.due_at == CROWDED_SECONDS
    requests.finished(first)
    requests.begun(third, 0)
    assert third.due_at == 10


async def test_all_addresses_together_have_less_time_when_there_are_very_many(monkeypatch):
    monkeypatch.setattr(module, "MAX_UNFINISHED", 2)
    requests = unfinished_requests()
    connections = [Connection(requests, f"192.0.2.{n}") for n in range(3)]
    for one in connections:
        requests.begun(one, 0)
    assert [one.due_at for one in connections] == [10, 10, CROWDED_SECONDS]


async def test_a_crowded_address_never_has_more_time_than_others():
    requests = unfinished_requests(head_seconds=0.5, max_unfinished_per_address=0)
    one = Connection(requests)
    requests.begun(one, 0)
    assert one.due_at == 0.5


async def test_connections_are_counted_by_address():
    requests = unfinished_requests(max_connections_per_address=1)
    first, other = Connection(requests), Connection(requests, "192.0.2.2")
    assert [requests.has_too_many(one.address) for one in (first, other)] == [False, False]
    second = Connection(requests)
    assert (second.address is first.address, requests.has_too_many(second.address)) == (True, True)
    for one in (first, second):
        requests.disconnected(one)
    assert list(requests._addresses) == ["192.0.2.2"]
    unlimited = unfinished_requests(max_connections_per_address=0)
    assert not any(unlimited.has_too_many(Connection(unlimited).address) for _ in range(3))


async def test_refused_requests_are_counted_and_logged_now_and_then(caplog):
    caplog.set_level(logging.INFO)
    requests = unfinished_requests()
    for _ in range(3):
        requests.refused("head_size", Address("192.0.2.1"))
    await asyncio.sleep(LOG_SECONDS)
    requests.refused("silent", Address(address_of("2001:db8::1")))
    assert requests._metrics._refused == {"head_size": 3, "silent": 1}
    logged = [(record.reason, record.address, record.count) for record in caplog.records]
    assert logged == [("head_size", "192.0.2.1", 1), ("silent", "2001:db8::/64", 3)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("a:b", "a:c", False),
    ],
)
def test_what_counts_as_one_address(one, other, same):
    assert (address_of(one) == address_of(other)) is same


def test_limits_are_the_settings_of_the_same_names():
    settings = Settings(max_head_bytes=7, body_seconds=3)
    assert (Limits.of(settings).max_head_bytes, Limits.of(settings).body_seconds) == (7, 3)
    assert Limits.of(settings).max_raw_bytes(file=False) == 2 * settings.max_body_bytes + 7
    assert Limits.of(settings).max_raw_bytes(file=True) == 2 * settings.max_file_bytes + 7
